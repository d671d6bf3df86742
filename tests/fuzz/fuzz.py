"""A parser under atheris, which looks for bytes that reach code not reached before.

    python tests/fuzz/fuzz.py TARGET [options of libFuzzer, e.g. -max_total_time=60] tests/fuzz/corpus/TARGET

What it finds lies in `crash-*`; in the corpus, under a name that says what it is, it is tested from then on.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["genair"]):
    from targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup([*sys.argv, f"-dict={Path(__file__).with_name('dictionary')}"], target)
    atheris.Fuzz()

"""Fuzzing: a while of it in CI, and what longer runs found, kept in corpus/TARGET under a name that tells."""

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CORPUS = sorted((HERE / "corpus").glob("*/*"))
SECONDS, HANGS = 3, 120
MOST_MIB = 8192  # counted from the peak of the process that starts it, which runs all tests


@pytest.fixture(scope="module")
def targets():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(HERE)
        yield import_module("targets").TARGETS


def test_every_target_has_a_corpus(targets):
    assert {path.parent.name for path in CORPUS} == set(targets)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_nothing_is_wrong_with_what_was_found_once(targets, path):
    targets[path.parent.name](path.read_bytes())


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("atheris") is None, reason="atheris is not installed: it is for Linux on x86-64"
)
@pytest.mark.parametrize("folder", sorted({path.parent for path in CORPUS}), ids=lambda path: path.name)
def test_a_while_of_fuzzing_finds_nothing(folder, tmp_path):
    words = [sys.executable, "-W", "error", HERE / "fuzz.py", folder.name]
    limits = [f"-max_total_time={SECONDS}", f"-timeout={HANGS}", f"-rss_limit_mb={MOST_MIB}"]
    limits += ["-seed=1", f"-artifact_prefix={tmp_path}/"]
    (tmp_path / "new").mkdir()
    done = subprocess.run([*words, *limits, tmp_path / "new", folder], capture_output=True, check=False)
    found = [path.read_bytes() for path in tmp_path.glob("*-*")]
    assert done.returncode == 0, f"{found}\n{done.stderr.decode(errors='replace')[-3000:]}"

"""Help is quick to load, complete, and what the reference pages and completions were made from."""

import subprocess
import sys
from pathlib import Path

import pytest

from genair_cli.generate import command_names, generated_files

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "transformers", "h5py", "polars", "llama_cpp", "scipy", "numpy"}


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["train", "--help"], ["archetype", "--help"]])
def test_help_loads_nothing_heavy(words):
    code = f"""
import sys
from genair_cli.main import main
status = main({words!r})
print("loaded", *(sys.modules.keys() & {HEAVY!r}), file=sys.stderr)
sys.exit(status)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert done.stderr.strip() == "loaded"


def test_no_arguments_show_help_and_exit_2(run):
    assert run().status == 2


@pytest.mark.parametrize("name", command_names())
def test_every_command_helps_by_both_flags(run, name):
    long, short = run(name, "--help"), run(name, "-h")
    assert long.status == short.status == 0
    assert long.out == short.out
    assert b"--quiet" in long.out


def test_completions_and_reference_pages_are_those_of_the_commands():
    for path, text in generated_files():
        assert (ROOT / path).read_text(encoding="utf-8") == text, f"{path} is stale: run make completions"
    pages = {path.stem for path in (ROOT / "docs" / "commands").glob("*.md")}
    assert pages == set(command_names())


def test_bash_completion_offers_commands_options_and_names(tmp_path):
    script = ROOT / "completions" / "genair.bash"
    (tmp_path / "genair").write_text(f'#!/bin/sh\nexec {sys.executable} -m genair_cli "$@"\n')
    (tmp_path / "genair").chmod(0o755)

    def complete(*words: str) -> str:
        line = " ".join(f"'{word}'" for word in words)
        code = f"""
        PATH={tmp_path}:$PATH; source {script}
        COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}
        _genair_completion genair; printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        return subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True).stdout

    assert "calibrate" in complete("genair", "cal").split()
    assert "--holdout" in complete("genair", "calibrate", "--hold").split()
    assert "sasrec" in complete("genair", "train", "--backbone", "s").split()
    assert "paper-yelp" in complete("genair", "train", "--recipe", "pap").split()


def test_without_a_command_there_is_help_and_no_success(run):
    result = run()
    assert result.status == 2
    assert result.err == ""
    assert result.out == run("--help").out

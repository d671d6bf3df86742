"""Which llama-cpp-python will do, and that an older one is refused in a line, wherever it is met first."""

import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest

from genair.config import DEFAULT_MODEL
from genair.errors import MissingExtraError
from genair.llm.llamacpp import version
from genair.llm.llamacpp.version import OLDEST, llama_cpp_version
from genair.llm.models import backend_spec
from genair_cli.main import main

PROJECT = Path(__file__).parents[3] / "pyproject.toml"
REFUSAL = f"llama-cpp-python 0.3.16 is too old, genair needs {OLDEST}: pip install 'genair[llamacpp]'"


@pytest.fixture
def install(monkeypatch):
    return lambda found: monkeypatch.setattr(version, "version", lambda _name: found)


@pytest.mark.parametrize("found", [OLDEST, "0.3.17+cu124", "0.3.100", "0.4", "1.0.0rc1"])
def test_the_oldest_and_newer_ones_will_do(install, found):
    install(found)
    assert llama_cpp_version() == found


@pytest.mark.parametrize("found", ["0.3.16", "0.3.16.post9", "0.3", "0.2.90", "unknown"])
def test_older_ones_are_refused(install, found):
    install(found)
    with pytest.raises(MissingExtraError, match=re.escape(f"llama-cpp-python {found} is too old")):
        llama_cpp_version()


def test_the_project_asks_for_the_same():
    project = tomllib.loads(PROJECT.read_text())["project"]
    asked = [one for group in project["optional-dependencies"].values() for one in group]
    found = [one for one in asked if one.startswith("llama-cpp-python")]
    assert {one.partition(">=")[2] for one in found} == {OLDEST}


def test_a_model_is_not_looked_for_with_an_older_one(install, tmp_path, monkeypatch):
    pytest.importorskip("llama_cpp")
    monkeypatch.setenv("GENAIR_CACHE", str(tmp_path / "cache"))
    install("0.3.16")
    with pytest.raises(MissingExtraError, match=re.escape(REFUSAL)):
        backend_spec("llamacpp", DEFAULT_MODEL, 1)


def test_a_worker_does_not_begin_with_an_older_one(install, monkeypatch):
    pytest.importorskip("llama_cpp")
    monkeypatch.delitem(sys.modules, "genair.llm.llamacpp.gguf", raising=False)
    install("0.3.16")
    with pytest.raises(MissingExtraError, match=re.escape(REFUSAL)):
        importlib.import_module("genair.llm.llamacpp.gguf")


def test_a_command_says_it_in_a_line(install, tmp_path, monkeypatch, capsys):
    pytest.importorskip("llama_cpp")
    monkeypatch.setenv("GENAIR_CACHE", str(tmp_path / "cache"))
    (tmp_path / "items.jsonl").write_text('{"item_id": "a", "title": "lamp"}\n')
    install("0.3.16")
    words = ["archetype", str(tmp_path / "items.jsonl"), "-o", str(tmp_path / "out.jsonl")]
    assert main(words) == 1
    assert capsys.readouterr().err == f"genair archetype: error: {REFUSAL}\n"
    assert not (tmp_path / "out.jsonl").exists()

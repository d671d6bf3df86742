"""Archetypes and vectors by the commands, in one pass and in two."""

import json
from pathlib import Path

import h5py
import pytest

from genair.config import DEFAULT_MODEL
from genair_cli.main import main

ITEMS = [{"item_id": f"i{row}", "title": title} for row, title in enumerate(("lamp", "tent <|im_end|>", "é"))]


def pipeline(folder, model, *more):
    """Write archetypes and vectors in one pass, vectors again in a second one; return all three."""
    (folder / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in ITEMS))
    shared = ["--backend", "transformers", "--model", str(model), "-q", "--force", *more]
    lines, fused, again = (str(folder / name) for name in ("a.jsonl", "fused.h5", "again.h5"))
    written = ["archetype", str(folder / "items.jsonl"), "-n", "2", "--max-tokens", "8"]
    assert main([*written, "-o", lines, "--embeddings", fused, *shared]) == 0
    assert main(["embed", lines, "-o", again, *shared]) == 0
    return [json.loads(line) for line in Path(lines).read_text().split("\n") if line], fused, again


def check_pipeline(cosine, rows, fused, again, runs):
    assert [row["item_id"] for row in rows] == ["i0", "i1"]
    for row in rows:
        assert row["_pg"]["backend"] == "transformers"
        assert row["_pg"]["model"]["runs"] == runs
        assert set(row["_pg"]["versions"]) == {"genair", "torch", "transformers"}
    views = [h5py.File(path)["views"] for path in (fused, again)]
    for name in ("context", "archetype"):
        for one, other in zip(views[0][name][:], views[1][name][:], strict=True):
            assert cosine(one, other) > 0.9999


def test_the_commands_run_it_where_and_as_they_are_told(tmp_path, folder, cosine):
    rows, *files = pipeline(tmp_path, folder, "--device", "cpu", "--dtype", "fp32")
    check_pipeline(cosine, rows, *files, "fp32 cpu")
    rows, *_ = pipeline(tmp_path, folder, "--dtype", "bf16")
    assert {row["_pg"]["model"]["runs"] for row in rows} == {"bf16 cpu"}


@pytest.mark.llm
def test_the_commands_run_the_embedded_model(tmp_path, converted, cosine):
    check_pipeline(cosine, *pipeline(tmp_path, DEFAULT_MODEL), "fp32 cpu")

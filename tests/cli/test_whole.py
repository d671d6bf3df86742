"""The whole suite on the real model, and the demo people see first."""

import json
import subprocess
import sys

import pytest

from genair.catalogue import interactions_path, items_path
from genair.records import Archetype

N_ITEMS = 12
GENAIR = f"{sys.executable} -m genair_cli"


@pytest.mark.llm
def test_the_pipeline_runs_on_the_embedded_model_and_repeats_itself(tmp_path):
    lines = items_path().read_bytes().splitlines(keepends=True)[:N_ITEMS]
    (tmp_path / "items.jsonl").write_bytes(b"".join(lines))
    known = {json.loads(line)["item_id"] for line in lines}
    events = interactions_path().read_bytes().splitlines(keepends=True)
    (tmp_path / "log.jsonl").write_bytes(b"".join(e for e in events if json.loads(e)["item_id"] in known))
    script = f"""
    {GENAIR} archetype items.jsonl --max-tokens 10 --wave 4 -o arch.jsonl &&
    {GENAIR} embed arch.jsonl --wave 4 -o emb.h5 &&
    {GENAIR} calibrate emb.h5 -i log.jsonl --features 50 -o cal.h5 &&
    {GENAIR} train cal.h5 -i log.jsonl --epochs 2 -o model.h5 && {GENAIR} eval model.h5 -i log.jsonl &&
    {GENAIR} archetype items.jsonl --max-tokens 10 --wave 4 --workers 1 | tee again.jsonl \
    | {GENAIR} embed --wave 4 --workers 1 > again.h5 && cmp arch.jsonl again.jsonl && cmp emb.h5 again.h5
    """
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    records = [
        Archetype.from_row(json.loads(line), "arch")
        for line in (tmp_path / "arch.jsonl").read_text("utf-8").split("\n")
        if line
    ]
    assert {record.item_id for record in records} == known
    for record in records:
        assert record.archetype.startswith("The ideal audience is people who")
        assert record.made_by["model"]["name"] == "smollm2-135m-instruct"
        assert 2 <= record.archetype_tokens <= 10
    metrics = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(metrics) == 72
    assert all(0 <= row["value"] <= 1 for row in metrics if row["metric"] != "popularity")


@pytest.mark.llm
def test_the_demo_shows_each_command_and_a_table(tmp_path):
    words = [sys.executable, "-m", "genair_cli", "demo", "-o", "demo", "--backend", "echo"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for stage in ("archetype", "embed", "calibrate", "train", "eval"):
        assert f"$ genair {stage} " in done.stderr
    for title in ("SASRec, ID", "SASRec, text, calibrated", "SASRec, text + ID, calibrated"):
        assert title in done.stdout
    assert (tmp_path / "demo" / "calibrated.h5").is_file()
    again = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "exists already" in again.stderr


def test_the_demo_s_commands_take_its_settings_and_its_silence(run, tmp_path):
    (tmp_path / "c.toml").write_text("[calibrate]\nfeatures = 50\n[train]\nepochs = 1\n")
    words = (*GENAIR.split(), "--config", "c.toml", "demo", "-o", "demo", "--backend", "echo", "--quiet")
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "SASRec, text, calibrated" in done.stdout
    (row,) = run("info", tmp_path / "demo" / "model-3.h5").rows
    calibrated, trained = (step["settings"] for step in row["steps"][-2:])
    assert calibrated["spectral"]["features"] == 50
    assert trained["epochs"] == 1

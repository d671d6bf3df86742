"""`train`: what changes nothing is refused, and what is used is recorded."""

import json

import pytest

QUICK = ("--epochs", 1, "--dim", 8)
_SOME = {"sampler", "negatives", "gbce_t", "mask_probability", "schedule", "warmup", "precision"}


@pytest.fixture
def train(run, files, tmp_path):
    def call(*words):
        return run("train", files.vectors, "-i", files.log, "-o", tmp_path / "out.h5", "-f", *QUICK, *words)

    return call


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--negatives", 9), "--negatives changes nothing with --loss ce"),
        (("--sampler", "uniform"), "--sampler changes nothing with --loss ce"),
        (("--loss", "bce", "--negatives", 9), "--negatives changes nothing with --loss bce"),
        (("--loss", "gbce", "--sampler", "uniform"), "--sampler changes nothing with --loss gbce"),
        (("--loss", "sampled-ce", "--gbce-t", 0.5), "--gbce-t changes nothing with --loss sampled-ce"),
        (("--loss", "gbce", "--gbce-t", 1.5), "--gbce-t must be between 0 and 1, not 1.5"),
        (("--loss", "sampled-ce", "--negatives", 0), "--negatives must be 1 to 2147483647, not 0"),
        (("--loss", "sampled-ce", "--sampler", "dice"), "unknown sampler 'dice': choose from uniform, popul"),
        (
            ("--loss", "gbce", "--gbce-t", 0.5),
            "--gbce-t changes nothing where --negatives draws all 40 items",
        ),
        (("--patience", 10**20), "--patience must be 1 to 2147483647, not 100000000000000000000"),
        (("--alpha", 1, "--calibrate-items", 2**31), "--calibrate-items must be 0, or 2 to 2147483647"),
        (("--recipe", ""), "unknown recipe ''"),
        (("--mask-probability", 0.3), "--mask-probability changes nothing with --backbone sasrec"),
        (("--backbone", "gru4rec", "--heads", 1), "--heads changes nothing with --backbone gru4rec"),
        (("--backbone", "bert4rec", "--mask-probability", 1), "--mask-probability must be between 0 and 1"),
        (("--schedule", "steps"), "unknown schedule 'steps': choose from constant, linear, cosine"),
        (("--warmup", 1), "--warmup must be 0 or more and below --epochs 1, not 1.0"),
        (
            ("--device", "cpu", "--precision", "fp16"),
            "--precision fp16 is for CUDA cards; on cpu it only costs",
        ),
        (
            ("--device", "cpu", "--precision", "bf16", "--items", "id", "--loss", "bce"),
            "--precision bf16 changes nothing on cpu with --items id and --loss bce: use fp32",
        ),
        (("--precision", "half"), "unknown precision 'half': choose from auto, fp32, bf16, fp16"),
        (("--loss", "hinge"), "unknown loss 'hinge': choose from ce, sampled-ce, gbce, bce"),
    ],
)
def test_settings_that_make_no_sense_are_refused(train, tmp_path, words, said):
    train(*words).fails(2, said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "used"),
    [
        ((), set()),
        (("--loss", "bce"), set()),
        (("--schedule", "constant", "--warmup", 0), set()),
        (("--schedule", "linear"), {"schedule"}),
        (("--warmup", 0.5), {"warmup"}),
        (("--device", "cpu", "--precision", "auto"), set()),
        (("--device", "cpu", "--precision", "fp32"), set()),
        (("--precision", "bf16"), {"precision"}),
        (("--backbone", "bert4rec"), {"mask_probability"}),
        (("--loss", "gbce"), {"negatives", "gbce_t"}),
        (("--loss", "sampled-ce", "--negatives", 9), {"sampler", "negatives"}),
    ],
)
def test_a_model_records_the_settings_that_shaped_it(train, run, tmp_path, words, used):
    result = train(*words)
    assert result.status == 0, result.err
    (row,) = run("info", tmp_path / "out.h5").rows
    config = json.loads(row["config"])
    assert _SOME & config.keys() == used
    assert row["steps"][-1]["settings"] == config
    assert config.get("negatives", 9) in {9, 1024}


def test_a_size_beyond_what_there_is_is_told(train):
    said = "genair train: warning: --calibrate-items 40: there are no more here"
    assert said in train("--alpha", 1, "--calibrate-items", 41).err.split("\n")
    assert "warning: --calibrate-items" not in train("--alpha", 1, "--calibrate-items", 40).err


def test_what_the_run_will_take_is_told_when_asked_and_refused_if_it_is_not_there(
    train, tmp_path, monkeypatch
):
    assert "MiB on cpu: weights and Adam" in train("--device", "cpu", "-v").err
    assert "MiB on cpu" not in train("--device", "cpu").err
    (tmp_path / "out.h5").unlink()
    monkeypatch.setattr("genair.train.memory.free_on", lambda _device: 1 << 20)
    train("--device", "cpu").fails(1, "not enough memory: training would take about", "1 MiB are free")
    assert list(tmp_path.iterdir()) == []

"""The estimate of a run's memory: what it is made of, what it refuses, and that it is near the truth."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from genair.config import ITEM_ENCODERS, TrainConfig
from genair.errors import GenairError
from genair.models import BACKBONES
from genair.models.base import build_recommender
from genair.train import memory
from genair.train.memory import Memory, estimate_memory, require_memory

MIB = 1 << 20
N = 300
CONFIG = TrainConfig(items="id", dim=16, max_length=20, batch_size=8)
_RUN = str(Path(__file__).with_name("measured_run.py"))
CARD = Memory({"weights and Adam": 30 * MIB, "events": 70 * MIB}, {"copies": 10 * MIB})


@pytest.fixture(scope="module")
def sequences(toy_cycles):
    return toy_cycles(users=30, length=21, n_items=N)


def _part(name, config, sequences, width=0):
    return {**(found := estimate_memory(config, sequences, width, "cpu")).computing, **found.staying}[name]


@pytest.mark.parametrize("backbone", BACKBONES.names())
@pytest.mark.parametrize("items", ITEM_ENCODERS)
def test_weights_are_those_of_the_model_that_is_built(sequences, backbone, items):
    config = replace(CONFIG, backbone=backbone, items=items)
    vectors = None if items == "id" else torch.randn(N, 24)
    with torch.random.fork_rng():
        model = build_recommender(config, N, vectors)
    numbers = sum(parameter.numel() for parameter in model.parameters())
    width = 0 if items == "id" else 24
    assert _part("weights and Adam", config, sequences, width) == 4 * 4 * numbers
    assert _part("copies", config, sequences, width) == 4 * (5 * numbers + N * width)


def test_an_estimate_moves_no_random_number(sequences):
    state = torch.get_rng_state()
    estimate_memory(CONFIG, sequences, 0, "cpu")
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("settings", "twice"),
    [
        ({"batch_size": 15}, {"batch_size": 30}),
        ({"max_length": 10, "batch_size": 30}, {"max_length": 20, "batch_size": 30}),
    ],
)
def test_events_take_memory_in_proportion(sequences, settings, twice):
    one, two = (_part("events", replace(CONFIG, dim=512, **more), sequences) for more in (settings, twice))
    assert two == pytest.approx(2 * one, rel=0.05)


def test_attention_takes_the_square_of_the_length(sequences, toy_cycles):
    def matrices(length):
        many = toy_cycles(users=30, length=200, n_items=N)
        settings = replace(CONFIG, max_length=length, heads=8), replace(CONFIG, max_length=length)
        eight, one = (_part("events", config, many) for config in settings)
        return eight - one

    assert matrices(200) == pytest.approx(4 * matrices(100), rel=0.01)


def test_16_bits_take_less_on_a_card_and_the_full_softmax_has_a_copy_in_them(sequences):
    config = replace(CONFIG, dim=512, batch_size=30)
    halved, full = (
        estimate_memory(replace(config, precision=name), sequences, 0, "cuda").computing
        for name in ("bf16", "fp32")
    )
    assert halved["events"] / full["events"] == pytest.approx(3 / 4)
    assert halved["scores"] / full["scores"] == pytest.approx(3 / 2)
    assert _part("events", replace(config, precision="bf16"), sequences) == full["events"]


def test_no_more_is_counted_than_there_is(sequences):
    wide = replace(CONFIG, batch_size=10**6, max_length=10**6)
    narrow = replace(CONFIG, batch_size=30, max_length=21)
    assert _part("events", wide, sequences) == _part("events", narrow, sequences)


def test_drawn_negatives_are_scored_by_a_chunk_of_events_at_a_time(sequences):
    config = replace(CONFIG, loss="gbce", negatives=10**6)
    one, two = (_part("scores", replace(config, negatives=10**6 * count), sequences) for count in (1, 2))
    assert two == 2 * one
    assert _part("scores", replace(config, batch_size=30), sequences) == one
    assert _part("scores", replace(CONFIG, loss="bce", negatives=10**6), sequences) < MIB * 4


def test_a_card_holds_what_computes_and_the_machine_the_rest(sequences):
    found = estimate_memory(replace(CONFIG, items="text"), sequences, 24, "cuda")
    assert found.by_device("cuda") == {
        "cuda": sum(found.computing.values()),
        "cpu": sum(found.staying.values()),
    }
    assert found.computing["vectors"] == 4 * N * 24
    assert "vectors" not in estimate_memory(CONFIG, sequences, 0, "cpu").computing
    assert (
        CARD.words("cuda") == "100 MiB on cuda and 10 MiB on cpu: weights and Adam 30, events 70, copies 10"
    )


@pytest.mark.parametrize(
    ("device", "free", "said"),
    [
        ("cpu", {"cpu": 109}, "about 110 MiB on cpu, and 109 MiB are free"),
        ("cuda:1", {"cuda:1": 99, "cpu": 10}, "about 100 MiB on cuda, and 99 MiB are free"),
        ("cuda:1", {"cuda:1": 100, "cpu": 9}, "about 10 MiB on cpu, and 9 MiB are free"),
    ],
)
def test_what_does_not_fit_is_refused(monkeypatch, device, free, said):
    monkeypatch.setattr(memory, "free_on", lambda place: free[place] * MIB)
    with pytest.raises(GenairError, match=said):
        require_memory(CARD, torch.device(device))


@pytest.mark.parametrize("free", [110 * MIB, None])
def test_what_fits_or_cannot_be_known_is_let_through(monkeypatch, free):
    monkeypatch.setattr(memory, "free_on", lambda _place: free)
    require_memory(CARD, torch.device("cpu"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_items", "users", "length", "width", "settings"),
    [
        (50_000, 60, 12, 256, {"items": "text+id", "dim": 64, "loss": "sampled-ce", "epochs": 2}),
        (1_000, 70, 110, 0, {"items": "id", "dim": 128, "blocks": 2, "max_length": 100, "epochs": 1}),
        (2_000, 6_000, 10, 0, {"items": "id", "dim": 64, "batch_size": 2_048, "epochs": 2}),
        (12_000, 20_000, 10, 0, {"items": "id", "dim": 64, "epochs": 1}),
    ],
    ids=["items", "events", "large batches", "many steps"],
)
def test_an_estimate_is_near_what_a_run_takes(n_items, users, length, width, settings):
    words = json.dumps([n_items, users, length, width, settings])
    done = subprocess.run([sys.executable, _RUN, words], capture_output=True, timeout=300, check=True)
    estimate, taken = json.loads(done.stdout)
    assert taken > 250 * MIB, "too small to tell"
    assert 1 / 1.5 < estimate / taken < 1.5, (estimate // MIB, taken // MIB)

"""Every setting keeps to its range, and what shapes the output is what gets recorded."""

from dataclasses import FrozenInstanceError, asdict, fields, replace

import pytest

from genair.config import (
    ArchetypeConfig,
    CalibrateConfig,
    Decoding,
    DescentConfig,
    EmbedConfig,
    GraphConfig,
    JointConfig,
    JointGraphConfig,
    RecommendConfig,
    SpectralConfig,
    TrainConfig,
)
from genair.errors import UsageError

INF, NAN = float("inf"), float("nan")
BAD = [
    (Decoding, "max_tokens", [1, 0, -1]),
    (Decoding, "temperature", [-0.1, NAN, INF]),
    (Decoding, "top_p", [0, -0.5, 1.01, NAN, INF]),
    (Decoding, "top_k", [-1]),
    (Decoding, "repeat_penalty", [0, -1, NAN, INF]),
    (ArchetypeConfig, "item_type", ["", "  "]),
    (ArchetypeConfig, "max_field_chars", [-1]),
    (ArchetypeConfig, "wave", [0, -3]),
    (EmbedConfig, "views", [(), ("both",), ("context", "Archetype"), ("context", "context")]),
    (EmbedConfig, "dim", [0, -1]),
    (EmbedConfig, "wave", [0, -3]),
    (GraphConfig, "window", [-1]),
    (GraphConfig, "min_count", [0, -1]),
    (GraphConfig, "user_norm", ["", "Size", "log"]),
    (GraphConfig, "max_pairs", [0, -1]),
    (CalibrateConfig, "dim", [0, -1]),
    (CalibrateConfig, "gamma", [0, -1, NAN, INF]),
    (CalibrateConfig, "holdout", [-0.1, 1, 1.5, NAN]),
    (SpectralConfig, "features", [-1]),
    (SpectralConfig, "tau", [-0.1, 2e12, NAN, INF]),
    (SpectralConfig, "ridge", [0, -1, NAN, INF]),
    (SpectralConfig, "power", [-0.1, NAN, INF]),
    (DescentConfig, "adapter", ["linear"]),
    (DescentConfig, "hold", [-1, NAN, INF]),
    (DescentConfig, "steps", [0, -1]),
    (DescentConfig, "learning_rate", [0, -1e-3, NAN, INF]),
    (DescentConfig, "batch_items", [-1, 1]),
    (DescentConfig, "stop_on", ["loss", ""]),
    (DescentConfig, "patience", [0]),
    (ArchetypeConfig, "seed", [-1, 1 << 63]),
    (CalibrateConfig, "seed", [-1, 1 << 63]),
    (TrainConfig, "items", ["", "both", "ID"]),
    (TrainConfig, "negatives", [0, -1]),
    (TrainConfig, "gbce_t", [-0.1, 1.1, NAN]),
    (TrainConfig, "dim", [0, -1]),
    (TrainConfig, "blocks", [0]),
    (TrainConfig, "heads", [0, 3, 128]),
    (TrainConfig, "dropout", [-0.1, 1, NAN]),
    (TrainConfig, "mask_probability", [0, 1, -0.1, NAN]),
    (TrainConfig, "max_length", [0]),
    (TrainConfig, "batch_size", [0]),
    (TrainConfig, "learning_rate", [0, -1, NAN, INF]),
    (TrainConfig, "warmup", [-0.1, 200, NAN, INF]),
    (TrainConfig, "epochs", [0]),
    (TrainConfig, "patience", [0]),
    (TrainConfig, "precision", ["", "auto", "half"]),
    (TrainConfig, "seed", [-1, 1 << 63]),
    (JointConfig, "weight", [0, -1, NAN, INF]),
    (JointConfig, "alpha", [0, -1e-4, NAN, INF]),
    (JointConfig, "gamma", [0, -1, NAN, INF]),
    (JointConfig, "items", [-1, 1]),
    (JointGraphConfig, "window", [-1]),
    (JointGraphConfig, "min_count", [0]),
    (JointGraphConfig, "user_norm", ["", "half"]),
    (JointGraphConfig, "max_pairs", [0]),
    (RecommendConfig, "k", [0, -1]),
]
FLAGS = {
    (JointConfig, "weight"): "--calibrate-weight",
    (JointConfig, "items"): "--calibrate-items",
    (JointConfig, "gamma"): "--calibrate-gamma",
    **{
        (JointGraphConfig, name): f"--calibrate-{name.replace('_', '-')}"
        for name in ("window", "min_count", "user_norm", "max_pairs")
    },
    (RecommendConfig, "k"): "-k",
}
KINDS = [
    *(Decoding, ArchetypeConfig, EmbedConfig),
    *(GraphConfig, SpectralConfig, DescentConfig, CalibrateConfig),
    *(TrainConfig, JointConfig, JointGraphConfig, RecommendConfig),
]
GOOD = [
    (Decoding, {"max_tokens": 2, "temperature": 0, "top_p": 1, "top_k": 0, "repeat_penalty": 0.5}),
    (ArchetypeConfig, {"max_field_chars": 0, "wave": 1, "fields": ("title",)}),
    (EmbedConfig, {"views": ("context",), "dim": 1, "wave": 1}),
    (EmbedConfig, {"views": ("archetype",)}),
    (GraphConfig, {"window": 0, "min_count": 1, "user_norm": "size", "max_pairs": 1}),
    (CalibrateConfig, {"dim": 1, "gamma": 0.1, "holdout": 0, "seed": 0}),
    (SpectralConfig, {"features": 0, "tau": 0, "ridge": 1e-9, "power": 0}),
    (DescentConfig, {"hold": 0, "steps": 1, "batch_items": 2, "stop_on": "none", "patience": 1}),
    (DescentConfig, {"adapter": "residual", "hold": 0.1, "batch_items": 0}),
    (TrainConfig, {"negatives": 1, "gbce_t": 0}),
    (
        TrainConfig,
        {"gbce_t": 1, "dim": 6, "heads": 3, "dropout": 0, "max_length": 1, "epochs": 1, "patience": 1},
    ),
    (TrainConfig, {"epochs": 1, "warmup": 0.99}),
    (JointConfig, {"weight": 0.01, "items": 2}),
    (JointConfig, {"alpha": 1e-9, "items": 0}),
]
# by registry or use
CHECKED_ELSEWHERE = {
    "prompt",
    "fields",
    "decoding",
    "objective",
    "backbone",
    "loss",
    "sampler",
    "schedule",
    "split",
    "score",
    "graph",
    "joint",
    "spectral",
    "descent",
}
ANY_VALUE = {
    *((TrainConfig, "keep_seen"), (TrainConfig, "refit"), (RecommendConfig, "keep_seen")),
}


@pytest.mark.parametrize(("kind", "name", "value"), [(kind, name, v) for kind, name, vs in BAD for v in vs])
def test_a_value_out_of_range_is_refused_by_name(kind, name, value):
    flag = FLAGS.get((kind, name), f"--{name.replace('_', '-')}")
    with pytest.raises(UsageError, match=f"^{flag} must be .*, not "):
        kind(**{name: value})


@pytest.mark.parametrize(("kind", "values"), GOOD)
def test_the_ends_of_a_range_are_inside(kind, values):
    made = kind(**values)
    assert {name: getattr(made, name) for name in values} == values


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_range(kind):
    tried = {name for other, name, _ in BAD if other is kind}
    free = CHECKED_ELSEWHERE | {name for other, name in ANY_VALUE if other is kind}
    assert {field.name for field in fields(kind)} <= tried | free


@pytest.mark.parametrize("kind", KINDS)
def test_a_setting_cannot_be_changed_after_its_check(kind):
    with pytest.raises(FrozenInstanceError):
        setattr(kind(), fields(kind)[0].name, 0)


EVERYTHING = TrainConfig(
    schedule="linear", warmup=0.5, precision="bf16", joint=JointConfig(alpha=1.0), keep_seen=True, refit=True
)


@pytest.mark.parametrize("config", [EVERYTHING, Decoding(temperature=0.5)])
def test_all_settings_are_recorded(config):
    assert config.settings() == asdict(config)


@pytest.mark.parametrize(
    ("config", "left_out"),
    [
        (CalibrateConfig(), {"descent"}),
        (CalibrateConfig("paper"), {"spectral"}),
        (CalibrateConfig("alignment", descent=DescentConfig(adapter="residual")), set()),
    ],
)
def test_calibration_records_what_its_kind_uses(config, left_out):
    every = asdict(config)
    assert config.settings() == {name: every[name] for name in every.keys() - left_out}


def test_only_an_adapter_with_a_start_can_be_held_at_it():
    with pytest.raises(UsageError, match=r"^--hold needs --adapter residual"):
        DescentConfig(hold=1.0)


def test_a_ratio_and_an_alpha_exclude_each_other():
    with pytest.raises(UsageError, match="--calibrate-weight and --alpha set the same weight"):
        JointConfig(weight=0.1, alpha=0.1)


def test_options_say_all_of_training():
    graph = JointGraphConfig(window=3, min_count=2, user_norm="size", score="ppmi", max_pairs=9)
    config = replace(EVERYTHING, joint=JointConfig(0.5, None, "alignment", 2.0, 7, graph), dim=8)
    assert TrainConfig.from_options(config.options()) == config
    assert TrainConfig.from_options({"dim": 8, "alpha": 2.0, "output": "x"}) == TrainConfig(
        dim=8, joint=JointConfig(alpha=2.0)
    )


def test_what_is_off_in_training_is_not_recorded():
    assert TrainConfig(joint=JointConfig(items=5)).settings() == TrainConfig().settings()
    assert {"joint", "schedule", "warmup", "precision"}.isdisjoint(TrainConfig().settings())


def test_the_settings_of_the_graph_are_recorded_with_those_of_calibration():
    graph = GraphConfig(window=5, min_count=2, user_norm="size", score="ppmi", max_pairs=7)
    assert CalibrateConfig(graph=graph).settings()["graph"] == {
        "window": 5,
        "min_count": 2,
        "user_norm": "size",
        "score": "ppmi",
        "max_pairs": 7,
    }


def test_greedy_decoding_records_only_what_it_uses():
    greedy = Decoding(temperature=0)
    assert greedy.settings().keys() == {"max_tokens", "temperature", "repeat_penalty"}
    assert replace(greedy, top_p=0.1, top_k=3).settings() == greedy.settings()

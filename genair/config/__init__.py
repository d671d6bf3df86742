"""Every setting of every stage: its default, its range, and nothing else.

Defaults live here only; the command line shows them from here. Each dataclass is frozen and refuses values
outside their range when made. `settings()` is what provenance records: what shapes the output, and no more.
"""

from genair.config.calibration import (
    ADAPTERS,
    SPECTRAL,
    STOP_ON,
    CalibrateConfig,
    DescentConfig,
    SpectralConfig,
)
from genair.config.evaluation import EvaluateConfig
from genair.config.graph import PAPER_GRAPH, USER_NORMS, GraphConfig
from genair.config.importing import FilterConfig, TableConfig
from genair.config.joint import JointConfig, JointGraphConfig
from genair.config.language import (
    DEFAULT_MODEL,
    PRESETS,
    VIEWS,
    ArchetypeConfig,
    Decoding,
    EmbedConfig,
)
from genair.config.recommendation import RecommendConfig
from genair.config.training import ITEM_ENCODERS, PRECISIONS, TrainConfig

__all__ = [
    "ADAPTERS",
    "DEFAULT_MODEL",
    "ITEM_ENCODERS",
    "PAPER_GRAPH",
    "PRECISIONS",
    "PRESETS",
    "SPECTRAL",
    "STOP_ON",
    "USER_NORMS",
    "VIEWS",
    "ArchetypeConfig",
    "CalibrateConfig",
    "Decoding",
    "DescentConfig",
    "EmbedConfig",
    "EvaluateConfig",
    "FilterConfig",
    "GraphConfig",
    "JointConfig",
    "JointGraphConfig",
    "RecommendConfig",
    "SpectralConfig",
    "TableConfig",
    "TrainConfig",
]

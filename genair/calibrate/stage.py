"""The whole stage: an embedding table and a log in, the calibrated table out, with its evidence."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from genair.calibrate.descent import OnStep
from genair.calibrate.fit import Calibration, calibrate
from genair.config import CalibrateConfig
from genair.data import SPLITS
from genair.data.sequences import Held, Sequences, training_part, validation_events
from genair.errors import GenairError, InputError
from genair.io.container import Array
from genair.io.embeddings import EmbeddingTable
from genair.provenance import add_step

PACKAGES = ("torch", "numpy", "scipy")
_TITLES = {
    "auc": "held-out pairs, AUC",
    "auc_matched": "  against equally popular",
    "spearman": "held-out pairs, Spearman",
    "effective_rank": "effective rank",
    "mean_cosine": "mean cosine",
    "neighbours_kept": "neighbours kept",
    "ndcg": "validation NDCG@10, untrained",
}


@dataclass(frozen=True)
class Calibrated:
    """A finished table and how it came about."""

    table: EmbeddingTable
    result: Calibration

    def comparison(self) -> Iterator[tuple[str, str, str]]:
        """Yield (measure, before, after) as text."""
        before, after = asdict(self.result.before), asdict(self.result.after)
        for name, title in _TITLES.items():
            yield title, f"{before[name]:.3f}", f"{after[name]:.3f}"

    def require_rank(self) -> None:
        """Raise GenairError if the space has less than a third of the effective rank it could have.

        That is the lesser of the input's and how many numbers a vector has (`genair.calibrate.rank`).
        """
        before, after = (one.effective_rank for one in (self.result.before, self.result.after))
        if after < self.result.least_rank:
            raise GenairError(
                f"the space collapsed: effective rank {before:.1f} became {after:.1f}, less than"
                f" {self.result.least_rank:.1f}; --allow-collapse writes it all the same"
            )


def calibrate_table(
    table: EmbeddingTable,
    sequences: Sequences,
    config: CalibrateConfig,
    log_sha256: str,
    on_step: OnStep | None = None,
) -> Calibrated:
    """Calibrate a table by a log; whether the space collapsed is another question (`require_rank`).

    Args:
        table: the vectors; row i is item index i + 1 of `sequences`.
        sequences: whole histories; learned from are training events, measured on validation events.
        config: the stage's settings.
        log_sha256: digest of the log, for provenance.
        on_step: told each step's loss.

    Raises:
        InputError: see `genair.calibrate.fit.calibrate`, or the log cannot be split by time.
        UsageError: there is no such split.
    """
    learned, valid = _parts(sequences, config.split)
    result = calibrate(np.asarray(table.vectors), learned, config, on_step, valid)
    steps = add_step(table.steps, "calibrate", config.settings(), {"interactions": log_sha256}, PACKAGES)
    calibrated = EmbeddingTable(table.item_ids, result.vectors, steps, _extras(result))
    return Calibrated(calibrated, result)


def _parts(sequences: Sequences, name: str) -> tuple[Sequences, Held | None]:
    """Return training events, and those that recommending without training is measured on, if any."""
    if name != CalibrateConfig.split:
        split = SPLITS.get(name)(sequences)
        return split.train, split.valid
    try:
        valid = validation_events(sequences)
    except InputError:
        valid = None
    return training_part(sequences), valid


def _extras(result: Calibration) -> dict[str, Array]:
    csr = result.graph.to_csr(len(result.vectors))
    extras: dict[str, Array] = {
        "association/indptr": csr.indptr.astype(np.int64),
        "association/indices": csr.indices.astype(np.int64),
        "association/scores": csr.data,
        "association/dropped": np.asarray(result.dropped),
    }
    extras |= {
        f"adapter/{result.adapter.kind}/{name}": value.numpy()
        for name, value in result.adapter.state_dict().items()
    }
    for moment, found in (("before", result.before), ("after", result.after)):
        extras |= {f"diagnostics/{moment}/{key}": np.asarray(value) for key, value in asdict(found).items()}
    return extras

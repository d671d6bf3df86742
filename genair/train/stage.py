"""The whole stage: item vectors and a log in, a model file out, with its provenance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from genair.config import TrainConfig
from genair.data import SPLITS
from genair.data.sequences import Sequences
from genair.io.checkpoints import ModelFile
from genair.io.embeddings import EmbeddingTable
from genair.provenance import add_step
from genair.train.idle import used_settings
from genair.train.loop import EpochRow, Trained, train_model


@dataclass(frozen=True)
class TrainedModel:
    """A model file and the run that made it."""

    model: ModelFile
    run: Trained

    def summary(self) -> str:
        """Return one line for a person."""
        best, config = self.run.best, self.model.config
        found = f"validation NDCG@10 {best.valid_ndcg:.4f} at epoch {best.epoch} of {len(self.run.epochs)}"
        return f"{config['backbone']} on {config['items']}, {found}{best.weight_words()}"


def train_on(
    table: EmbeddingTable | None,
    item_ids: Sequence[str],
    sequences: Sequences,
    config: TrainConfig,
    device: torch.device,
    log_sha256: str,
    on_epoch: Callable[[EpochRow], None],
) -> TrainedModel:
    """Train on a log.

    Args:
        table: the items' vectors; None for `--items id` without a file.
        item_ids: the catalogue in the table's order; item_ids[i] is item index i + 1 of `sequences`.
        sequences: whole histories; they are split here.
        config: the stage's settings.
        device: where to compute.
        log_sha256: digest of the log, for provenance.
        on_epoch: told each epoch's row.

    Raises:
        InputError: see `genair.data.SPLITS` and `train_model`.
        UsageError: there is no such split; or see `train_model`.
    """
    uses_text = config.items != "id"
    vectors = torch.from_numpy(np.asarray(table.vectors)) if table is not None and uses_text else None
    run = train_model(SPLITS.get(config.split)(sequences), vectors, config, device, on_epoch)
    settings = used_settings(config)
    steps = add_step(
        table.steps if table is not None and uses_text else [],
        "train",
        settings,
        {"interactions": log_sha256},
        ["torch", "numpy"],
    )
    return TrainedModel(ModelFile(settings, item_ids, run.weights, steps, run.curves()), run)

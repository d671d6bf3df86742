"""The whole stage: item vectors and a log in, a model file out, with its provenance."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from genair.config import TrainConfig
from genair.data import SPLITS
from genair.data.sequences import Sequences
from genair.io.checkpoints import ModelFile
from genair.io.container import ids_digest
from genair.io.embeddings import EmbeddingTable
from genair.provenance import add_step, versions_of
from genair.train.checkpoint import Checkpoints
from genair.train.idle import used_settings
from genair.train.loop import train_model
from genair.train.progress import EpochRow, Trained

_PACKAGES = ("torch", "numpy")


@dataclass(frozen=True)
class TrainedModel:
    """A model file and the run that made it.

    Attributes:
        repeats: validation events that are left out, since the user had their item before.
    """

    model: ModelFile
    run: Trained
    repeats: int

    def summary(self) -> str:
        """Return one line for a person."""
        best, config = self.run.best, self.model.config
        found = f"validation NDCG@10 {best.valid_ndcg:.4f} at epoch {best.epoch} of {len(self.run.epochs)}"
        if self.run.refitted:
            found += f", refit for {self.run.refitted} epochs"
        left = f"; {self.repeats} validation events of seen items left out" if self.repeats else ""
        return f"{config['backbone']} on {config['items']}, {found}{best.weight_words()}{left}"


def train_on(
    table: EmbeddingTable | None,
    item_ids: Sequence[str],
    sequences: Sequences,
    config: TrainConfig,
    device: torch.device,
    log_sha256: str,
    on_epoch: Callable[[EpochRow], None],
    checkpoints: Checkpoints | None = None,
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
        checkpoints: what keeps each epoch; None keeps nothing.

    Raises:
        InputError: see `genair.data.SPLITS` and `train_model`.
        UsageError: there is no such split; or see `train_model`.
    """
    uses_text = config.items != "id"
    vectors = torch.from_numpy(np.asarray(table.vectors)) if table is not None and uses_text else None
    split = SPLITS.get(config.split)(sequences, keep_seen=config.keep_seen)
    run = train_model(split, vectors, config, device, on_epoch, checkpoints)
    settings = used_settings(config)
    inputs = {"interactions": log_sha256}
    if table is not None and not uses_text:  # which is then the catalogue alone
        inputs["item_ids"] = ids_digest(table.item_ids)
    before = table.steps if table is not None and uses_text else []
    steps = add_step(before, "train", settings, inputs, _PACKAGES)
    return TrainedModel(
        ModelFile(settings, item_ids, run.weights, steps, run.curves()), run, split.valid.repeats
    )


def ends_anywhere(config: TrainConfig) -> bool:
    """Return whether a run's epochs are the same however many are to come: it may be resumed with others."""
    return config.schedule == "constant" and not config.refit


def may_end_with(done: int, config: TrainConfig) -> bool:
    """Return whether a run that is resumed may end with the epochs that are done."""
    return ends_anywhere(config) and done > config.warmup


def work_settings(
    table: EmbeddingTable | None, config: TrainConfig, device: torch.device, log_sha256: str
) -> dict[str, Any]:
    """Return all that shapes a run's epochs, as `open_partial` compares it; arguments as of `train_on`."""
    inputs = {"interactions": log_sha256}
    if table is not None:
        inputs["item_ids"] = ids_digest(table.item_ids)
        inputs["vectors"] = hashlib.sha256(np.ascontiguousarray(table.vectors).data).hexdigest()
    settings = used_settings(config)
    if ends_anywhere(config):
        del settings["epochs"]
    return {
        **settings,
        "inputs": inputs,
        "device": device.type,
        "versions": versions_of(_PACKAGES),
    }

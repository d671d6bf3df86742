"""One run of `genair train`: what it takes, its epochs, and what is kept of them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from genair.config import TrainConfig
from genair.errors import InputError
from genair.io.checkpoints import write_model
from genair.io.embeddings import EmbeddingTable
from genair.io.jsonl import Row
from genair.io.partial import Partial
from genair.train.checkpoint import Checkpoints
from genair.train.memory import estimate_memory, require_memory
from genair.train.progress import EpochRow
from genair.train.stage import TrainedModel, may_end_with, train_on, work_settings
from genair_cli.console import console
from genair_cli.growing import growing
from genair_cli.logs import Log
from genair_cli.working import Plan, working


@dataclass(frozen=True)
class Run:
    """The settings, and what is learned from.

    Attributes:
        config: the stage's settings.
        device: where to compute.
        table: the items' vectors; None for `--items id` without a file.
        events: the click log.
    """

    config: TrainConfig
    device: torch.device
    table: EmbeddingTable | None
    events: Log

    def require_memory(self) -> None:
        """Say what the work will take.

        Raises:
            GenairError: there is not enough.
        """
        width = 0 if self.table is None or self.config.items == "id" else self.table.vectors.shape[1]
        memory = estimate_memory(self.config, self.events.sequences, width, self.device.type)
        console.detail(f"genair train: will take about {memory.words(self.device.type)}")
        require_memory(memory, self.device)

    def learn(self, plan: Plan, log: Path | None) -> TrainedModel:
        """Do the work, or what is left of it, and deliver the model file.

        Args:
            plan: where to, and whether to go on with what was interrupted.
            log: gets a JSON line after each epoch; None keeps none.

        Raises:
            InputError: there is nothing to learn from, or the loss is not finite.
        """
        settings = work_settings(self.table, self.config, self.device, self.events.sha256)
        with working(plan, settings, (), units="epochs") as work:
            checkpoints = None if plan.is_stream() else Checkpoints(work.partial)
            before = [] if checkpoints is None else [row.to_json() for row in checkpoints.progress.rows]
            with growing(log, before, force=plan.force) as write:
                made = self._train(work.partial, checkpoints, write)
            path = work.partial.folder / "model.h5"
            write_model(path, made.model)
            work.deliver(path, plan.output)
        return made

    def _train(
        self, partial: Partial, checkpoints: Checkpoints | None, write: Callable[[Row], None]
    ) -> TrainedModel:
        """Go through the epochs; those that can never become a model are not kept."""
        most = self.config.epochs * (2 if self.config.refit else 1)
        done = 0 if checkpoints is None else len(checkpoints.progress.rows)
        with console.counting("epochs", most, partial.resumed) as tick:

            def tell(row: EpochRow) -> None:
                nonlocal done
                done += 1
                write(row.to_json())
                tick(row.words())

            events = self.events
            try:
                return train_on(
                    self.table,
                    events.item_ids,
                    events.sequences,
                    self.config,
                    self.device,
                    events.sha256,
                    tell,
                    checkpoints,
                )
            except InputError as error:
                if checkpoints is not None and may_end_with(done, self.config):
                    error.message += f"; --resume --epochs {done} makes a model of what came before"
                else:
                    partial.give_up()
                raise

"""An epoch of training, and everything that changes in it: weights, optimiser, and what is random.

Random are: dropout (torch's global generator), the order of batches and what is masked in them (`order`),
drawn negatives (`loss.generator`) and the items that a step calibrates (`joint.generator`). `state.py` reads
and writes it all.
"""

import numpy as np
import torch
from torch import Tensor

from genair.config import TrainConfig
from genair.data.sequences import Sequences
from genair.device import release_memory
from genair.errors import InputError
from genair.models.base import Recommender
from genair.train import LOSSES
from genair.train.batches import count_batches, epoch_batches, windows
from genair.train.divergence import not_finite
from genair.train.joint import make_joint
from genair.train.precision import Precision
from genair.train.samplers import Negatives
from genair.train.schedules import scheduler
from genair.train.tasks import cloze, next_item
from genair.train.touched import touched

_RELEASE_EVERY = 16  # steps: batches of many lengths leave gaps in memory, which had doubled what a run takes


class Learner:
    """Takes a model through epochs of a training set.

    Attributes:
        epochs: passes so far.
        device: where the model is.
    """

    def __init__(self, model: Recommender, train: Sequences, config: TrainConfig) -> None:
        """Make what the settings ask for.

        Args:
            model: untrained, on the device to compute on.
            train: training parts only; validation and test events must not be in it.
            config: the stage's settings.

        Raises:
            InputError: no user has two events, or joint training finds no associated items.
            UsageError: there is no such loss, sampler, schedule, objective or score.
        """
        self._cut = windows(train, config.max_length)
        if not len(self._cut):
            raise InputError("no user has two training events: nothing to learn from", where=train.name)
        self.epochs = 0
        self.model = model
        self._config = config
        self.optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate, fused=True)
        self.schedule = scheduler(self.optimizer, config, count_batches(self._cut, config.batch_size))
        self.order = np.random.Generator(np.random.PCG64(config.seed))
        self.loss = LOSSES.get(config.loss)(train, config)
        self.joint = make_joint(train, config)
        self._task = next_item if model.backbone.causal else cloze(config.mask_probability, self.order)
        self._batch_size = config.batch_size
        self.device = next(model.parameters()).device
        self.precision = Precision(config.precision, self.device)

    def epoch(self) -> float:
        """Pass over the training set once and return the mean loss of recommendation over batches.

        Raises:
            InputError: the loss is not finite, or a weight at the end.
        """
        self.epochs += 1
        self.model.train()
        losses = []
        for batch in epoch_batches(self._cut, self._batch_size, self._task, self.order):
            inputs, targets = (torch.from_numpy(part).to(self.device) for part in batch)
            loss, total = self._losses(inputs, targets)
            self.precision.step(total, self.optimizer)
            self.schedule.step()
            losses.append(loss.item())
            if not torch.isfinite(total):
                raise not_finite(self.epochs, self._config, calibrates=bool(np.isfinite(losses[-1])))
            if len(losses) % _RELEASE_EVERY == 0:
                release_memory()
        if not all(torch.isfinite(weight).all() for weight in self.model.parameters()):
            raise not_finite(self.epochs, self._config)
        return float(np.mean(losses))

    def _losses(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return a step's loss of recommendation, and the same with calibration where training is joint."""
        present = targets != 0
        targets = targets[present]
        drawn = self.loss.draw(len(targets))
        sample = self.joint.draw(inputs, targets) if self.joint else None
        indices = [inputs, targets, drawn.items, sample.items if sample else targets[:0]]
        with self.precision.table:
            table, rows = self._table([index.to(self.device) for index in indices])
        table = table.float()
        with self.precision.states:
            states = self.model.packed_states(rows[0], table).float()
        negatives = Negatives(rows[2], drawn.log_expected.to(self.device))
        asked = present[inputs != 0]
        states = states if asked.all() else states[asked]
        loss = self.loss(states, table, rows[1], negatives)
        if self.joint is None or sample is None:
            return loss, loss
        return loss, self.joint.add_to(loss, table, sample._replace(items=rows[3]))

    def _table(self, indices: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Return the item vectors of a step, and its item indices as rows of theirs."""
        if self.loss.whole:
            return self.model.items.table(), indices
        return touched(self.model.items, *indices)

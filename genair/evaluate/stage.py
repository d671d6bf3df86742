"""The whole stage: a model file and a log in, rows of metrics out."""

from typing import Any

import torch

from genair.data.sequences import Sequences, leave_two_out
from genair.evaluate.metrics import report
from genair.evaluate.ranking import rank_targets
from genair.io.checkpoints import ModelFile
from genair.models.base import restore_recommender


def evaluate_model(
    trained: ModelFile, sequences: Sequences, device: torch.device, batch_size: int
) -> list[dict[str, Any]]:
    """Rank the test events of a log, whose item indices follow the model's item ids.

    Raises:
        InputError: no user has three events, or the model's scores are not numbers.
    """
    model = restore_recommender(trained.config, trained.weights, len(trained.item_ids)).to(device)
    test = leave_two_out(sequences).test
    ranks = rank_targets(model, test, int(trained.config["max_length"]), batch_size)
    return list(report(ranks))

"""The whole stage: models and a log in, rows of figures and each user's rank out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from genair.config import EvaluateConfig
from genair.data.sequences import Sequences
from genair.evaluate.caveats import keeps_seen, of_events, of_model, of_negatives, of_two, split_of
from genair.evaluate.measuring import Contender, Outcome, measure
from genair.evaluate.report import report
from genair.evaluate.task import make_task, reindexed


@dataclass(frozen=True)
class Evaluation:
    """Figures of a model.

    Attributes:
        rows: see `genair.evaluate.report`, with the protocol: `split`, `keep_seen`, and `negatives` or None.
        outcome: what they were made of.
        summary: the protocol, for a person.
        caveats: what a reader of the figures should know, one line each.
    """

    rows: Sequence[dict[str, Any]]
    outcome: Outcome
    summary: str
    caveats: Sequence[str]

    def per_user(self, item_ids: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield a row a user: the target, its rank among how many, and training events of item and user."""
        task = self.outcome.task
        columns = {
            "item_id": [item_ids[target - 1] for target in task.split.test.targets.tolist()],
            "rank": self.outcome.ranks.tolist(),
            "candidates": task.candidates().tolist(),
            "item_events": task.groups.item_events.tolist(),
            "user_events": task.groups.user_events.tolist(),
        }
        for user_id, *figures in zip(task.split.test.histories.user_ids, *columns.values(), strict=True):
            yield {"user_id": user_id, **dict(zip(columns, figures, strict=True))}


def evaluate(
    contender: Contender,
    sequences: Sequences,
    log_sha256: str,
    config: EvaluateConfig,
    against: Contender | None = None,
    batch_size: int | None = None,
) -> Evaluation:
    """Rank the test events of a log.

    Args:
        contender: the model.
        sequences: whole histories, whose item indices follow the model's.
        log_sha256: digest of the log.
        config: the stage's settings.
        against: another model to compare with, on the same events.
        batch_size: users scored together; None chooses.

    Raises:
        InputError: the log cannot be split so, scores are not numbers, or the other model lacks items.
        UsageError: there is no such split, there are too few items for so many negatives, or the model was
            trained with `keep_seen`, which negatives do not go with.
    """
    split = config.split or split_of(contender)
    if config.keep_seen is None:
        config = replace(config, keep_seen=keeps_seen(contender))
    models = [contender] if against is None else [contender, against]
    tasks = []
    for one in models:
        ids = one.model.item_ids
        events = reindexed(sequences, contender.model.item_ids, ids, name=one.name)
        tasks.append(make_task(events, ids, split, config))
    said = [
        *of_negatives(config.negatives),
        *of_events(sequences.known_only(), tasks[0], split),
        *(words for one in models for words in of_model(one, split, log_sha256)),
        *(words for one in models[1:] for words in of_two(contender, one)),
    ]
    outcomes = [measure(one, task, batch_size) for one, task in zip(models, tasks, strict=True)]
    protocol = {"split": split, "keep_seen": config.keep_seen, "negatives": config.negatives}
    rows = [row | protocol for row in report(*outcomes, seed=config.seed)]
    return Evaluation(rows, outcomes[0], _summary(outcomes[0], split, config), said)


def _summary(mine: Outcome, split: str, config: EvaluateConfig) -> str:
    groups = mine.task.groups
    return (
        f"{len(mine.ranks)} users, split {split}, ranked among {_candidates(len(mine.task.events), config)};"
        f" popular items have {groups.tail_below} training events or more, long users {groups.short_below}"
    )


def _candidates(items: int, config: EvaluateConfig) -> str:
    if config.negatives is not None:
        return f"{config.negatives} sampled items"
    return f"all of {items} items" + ("" if config.keep_seen else " less those they had")

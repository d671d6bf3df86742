"""The evaluate stage where users have items again: which events are measured, and among which items."""

from dataclasses import replace

import numpy as np
import pytest

from genair.config import EvaluateConfig
from genair.errors import InputError, UsageError
from genair.evaluate.metrics import CUTOFFS


@pytest.fixture(scope="module")
def repeating(rows):
    """Return the log with every second user's last event one of the item that the user had first."""
    first = {row["user_id"]: row["item_id"] for row in reversed(rows)}
    return [
        row | {"item_id": first[row["user_id"]]}
        if row["timestamp"] == 7 and int(row["user_id"][1:]) % 2
        else row
        for row in rows
    ]


def test_events_of_items_that_the_user_had_are_measured_only_if_asked_for(
    model, repeating, evaluation_of, n_items
):
    new, every = (evaluation_of(model, repeating, EvaluateConfig(keep_seen=flag)) for flag in (False, True))
    assert [(len(one.outcome.ranks), one.rows[0]["keep_seen"]) for one in (new, every)] == [
        (25, False),
        (50, True),
    ]
    assert new.caveats[0].startswith("25 of 50 users are left out")
    assert "25 users, split last-two, ranked among all of 60 items less those they had;" in new.summary
    assert "50 users, split last-two, ranked among all of 60 items;" in every.summary
    assert {row["candidates"] for row in every.per_user(model.item_ids)} == {n_items}


def test_where_the_history_is_kept_ranks_and_lists_are_those_of_all_items(
    model, repeating, contender_of, evaluation_of
):
    outcome = evaluation_of(model, repeating, EvaluateConfig(keep_seen=True)).outcome
    test = outcome.task.split.test
    seen = 0
    for user, (rank, listed) in enumerate(zip(outcome.ranks.tolist(), outcome.lists.tolist(), strict=True)):
        scores = contender_of(model).scorer(test.histories.of(user)[None])[0].numpy()
        assert rank == 1 + np.sum(scores > scores[test.targets[user] - 1])
        assert listed == (np.argsort(-scores, kind="stable")[: max(CUTOFFS)] + 1).tolist()
        seen += len(set(listed[:10]) & set(test.histories.of(user).tolist()))
    assert seen > 0


def test_a_model_is_measured_as_it_was_validated_unless_told_otherwise(model, repeating, figures_of):
    keeping = replace(model, config={**model.config, "keep_seen": True})
    unnamed = replace(model, config={k: value for k, value in model.config.items() if k != "keep_seen"})
    for one, config, wanted in (
        (keeping, EvaluateConfig(), True),
        (unnamed, EvaluateConfig(), False),
        (keeping, EvaluateConfig(keep_seen=False), False),
        (unnamed, EvaluateConfig(keep_seen=True), True),
    ):
        assert {row["keep_seen"] for row in figures_of(one, repeating, config=config)} == {wanted}


def test_another_model_is_asked_for_the_same_events_however_it_was_validated(
    model, repeating, contender_of, evaluation_of
):
    keeping = contender_of(replace(model, config={**model.config, "keep_seen": True}))
    rows = evaluation_of(model, repeating, against=keeping).rows
    assert {(row["keep_seen"], row["users"]) for row in rows if row["group"] == "all"} == {(False, 25)}
    assert {row["difference"] for row in rows} == {0}


def test_sampled_items_do_not_go_with_what_the_user_had(model, repeating, evaluation_of):
    keeping = replace(model, config={**model.config, "keep_seen": True})
    with pytest.raises(UsageError, match=r"--negatives .* need --no-keep-seen"):
        EvaluateConfig(keep_seen=True, negatives=5)
    with pytest.raises(UsageError, match=r"--negatives .* need --no-keep-seen"):
        evaluation_of(keeping, repeating, EvaluateConfig(negatives=5))
    assert (
        len(evaluation_of(keeping, repeating, EvaluateConfig(keep_seen=False, negatives=5)).outcome.ranks)
        == 25
    )


def test_a_log_of_nothing_but_repeats_is_an_error_that_says_what_to_do(
    model, rows, evaluation_of, figures_of
):
    same = [row | {"item_id": f"i{row['user_id'][1:]}"} for row in rows]
    with pytest.raises(InputError, match="its user had before: only --keep-seen predicts these"):
        figures_of(model, same)
    assert len(evaluation_of(model, same, EvaluateConfig(keep_seen=True)).outcome.ranks) == 50

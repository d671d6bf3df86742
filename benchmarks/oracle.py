"""What can be reached on the embedded catalogue: the planted truth and popularity alone, on last events.

python benchmarks/oracle.py          # writes benchmarks/results/oracle.json
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genair.catalogue import ChoiceModel, SimulatorConfig, planted
from genair.catalogue.simulator import _Dice, _length, _mixtures
from genair.evaluate.metrics import mean_at

RESULT = Path(__file__).parent / "results" / "oracle.json"
Scores = Callable[[NDArray[np.float64], int, NDArray[np.bool_]], NDArray[np.float64]]


def last_ranks(model: ChoiceModel, config: SimulatorConfig, scores: Scores) -> NDArray[np.float64]:
    """Replay every user's draws and rank the last event among the items not yet seen."""
    ranks = []
    for number in range(1, config.users + 1):
        dice = _Dice(config.seed, number)
        length = min(_length(dice, config), len(model.popularity))
        dice.uniform()  # the user's first day
        seen = np.zeros(len(model.popularity), dtype=np.bool_)
        last: int | None = None
        for event, mixture in enumerate(_mixtures(dice, length, len(model.personas), config.drift)):
            before = seen.copy()
            chosen = dice.index(model.probabilities(mixture, last, seen))
            dice.uniform()  # the time to the next event
            if event == length - 1 and length >= 3 and last is not None:
                found = np.where(before, -1.0, scores(mixture, last, before))
                above, level = (found > found[chosen]).sum(), (found == found[chosen]).sum() - 1
                ranks.append(1 + above + level / 2)
            seen[chosen], last = True, chosen
    return np.asarray(ranks)


def main() -> None:
    """Measure and write."""
    config = SimulatorConfig()
    model = ChoiceModel(planted(), config)
    ways: dict[str, Scores] = {
        "planted truth": model.probabilities,
        "popularity": lambda mixture, last, seen: model.popularity,  # noqa: ARG005
    }
    rows = {}
    for title, scores in ways.items():
        ranks = last_ranks(model, config, scores)
        rows[title] = {f"{name}@10": round(mean_at(name, ranks, 10), 4) for name in ("hr", "ndcg", "mrr")}
        rows[title]["users"] = len(ranks)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=1) + "\n")
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()

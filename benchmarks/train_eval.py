"""The whole of `genair train`, one epoch, and of `genair eval`, start-up included; where eval's time goes.

    python benchmarks/train_eval.py beauty interactions.jsonl.gz [--runs 3] [--work FOLDER]
        [--results FOLDER]

SASRec with an id table, 64 wide, 50 events, full softmax. Seconds, CPU seconds and peak memory of a process,
of the fastest run. `eval, inside` is the same work by the library, part by part: reading the model (`model`)
and the log (`log`), finding what to ask (`task`), scores, ranks and lists of all users (`rank`), and means
with bootstrap intervals (`report`); `start` is what the command takes beyond them, which is Python's and
torch's. `full_ranking` is all of it but `report`.

Writes train-eval-NAME.json into benchmarks/results, or --results. A row that is there is not measured again.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from sheet import RESULTS, Row, Sheet, alone
from stages import measure

from genair.config import EvaluateConfig
from genair.evaluate.measuring import Contender
from genair.evaluate.measuring import measure as rank_all
from genair.evaluate.report import report
from genair.evaluate.task import make_task
from genair.models.base import restore_recommender
from genair_cli.logs import read_log
from genair_cli.options import OnErrorChoice
from genair_cli.trained import read_trained

PARTS = ("model", "log", "task", "rank", "report")


@contextmanager
def timed(seconds: Row, part: str) -> Iterator[None]:
    """Note how long a part takes."""
    start = time.perf_counter()
    yield
    seconds[part] = round(time.perf_counter() - start, 3)


def inside(model: str, interactions: str) -> Row:
    """Return the seconds of eval's parts."""
    seconds: Row = {}
    config = EvaluateConfig(split="last-two", keep_seen=False)
    with timed(seconds, "model"):
        trained = read_trained(model, None, "eval")
        restored = restore_recommender(trained.config, trained.weights, len(trained.item_ids))
        contender = Contender(model, trained, restored.scorer())
    with timed(seconds, "log"):
        log = read_log(interactions, trained.item_ids, OnErrorChoice.FAIL)
    with timed(seconds, "task"):
        task = make_task(log.sequences, log.item_ids, config.split, config)
    with timed(seconds, "rank"):
        outcome = rank_all(contender, task)
    with timed(seconds, "report"):
        rows = list(report(outcome, seed=config.seed))
    ndcg = next(row for row in rows if (row["metric"], row["k"], row["group"]) == ("ndcg", 10, "all"))
    return {**seconds, "users": ndcg["users"], "items": len(trained.item_ids), "ndcg": ndcg["value"]}


def best(words: list[str], work: Path, into: Path | None, runs: int) -> Row:
    """Return the fastest of some runs of a command."""
    done = [measure(words, work, into) for _ in range(runs)]
    return {**min(done, key=lambda run: run["seconds"]), "runs": runs}


def main() -> None:
    """Measure what has no row yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("interactions")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("genair-demo/bench"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--inside", help="print the parts of evaluating this model, keep nothing")
    given = parser.parse_args()
    log = str(Path(given.interactions).resolve())
    if given.inside:
        print(json.dumps(inside(given.inside, log)))
        return
    given.work.mkdir(parents=True, exist_ok=True)
    model = (given.work / f"train-eval-{given.name}.h5").resolve()
    train = ["train", "-q", "-i", log, "--items", "id", "--epochs", "1", "-f", "-o", str(model)]
    sheet = Sheet(given.results / f"train-eval-{given.name}.json", {"torch": torch.__version__})
    sheet.measure("train, one epoch", lambda: best(train, given.work, None, 1))
    if not model.is_file():
        sys.exit(f"{model} is gone: take the rows out of {sheet.path}")
    answers = given.work / "eval.jsonl"
    evaluate = ["eval", "-q", "--json", "-i", log, str(model)]
    whole = sheet.measure("eval", lambda: best(evaluate, given.work, answers, given.runs))
    script = [sys.executable, __file__, given.name, given.interactions, "--inside", str(model)]
    parts = sheet.measure(
        "eval, inside",
        lambda: min((alone(script) for _ in range(given.runs)), key=lambda run: sum(map(run.get, PARTS))),
    )
    start = whole["seconds"] - sum(parts[part] for part in PARTS)
    print(f"start {start:.2f} s, full_ranking {whole['seconds'] - parts['report']:.2f} s")


if __name__ == "__main__":
    main()

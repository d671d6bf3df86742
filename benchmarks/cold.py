"""Items that came too late: a tenth is held out of projection, calibration and training, then ranked.

    python benchmarks/cold.py ml-100k EMB.h5 interactions.jsonl.gz [--seeds 0 1 2] [--train]

EMB.h5 is what `genair embed` wrote, with the raw states. The projections are fitted to nine tenths of the
items, the calibration and (with --train) SASRec in text mode to the events that remain without the others.
Then the cold items' states go through the saved projections and the saved adapter, and the users whose test
item is cold, and new to them, are asked: full ranking of all items, seen ones left out. Beside it the same
with the cold items' vectors dealt out anew among themselves, which keeps everything but whose vector it is,
and the uncalibrated vectors. SASRec has the settings of `training.py`. `percentile` is the mean share of
items ranked above the cold one (.5 is chance), `hr` is HR@10. Rows go to benchmarks/results/cold-NAME.json.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from histories import read_histories
from training import MODELS, settings

from genair.calibrate.diagnostics import unit_rows
from genair.calibrate.fit import calibrate, map_rows
from genair.calibrate.transfer import nearest
from genair.config import CalibrateConfig, TrainConfig
from genair.data.sequences import Held, Sequences, Split, leave_two_out
from genair.embed.reduce import fit_pca
from genair.evaluate.ranking import Scorer, rank_targets
from genair.io.container import open_container
from genair.models.base import restore_recommender
from genair.train.loop import train_model

RESULTS = Path(__file__).parent / "results"
SHARE, RECENT = 0.1, 5
TRAINED = ("SASRec, text", "SASRec, text, calibrated")


def only(sequences: Sequences, kept: np.ndarray) -> Sequences:
    """Return histories that know some items only, whose new index is their place in `kept` (0-based rows)."""
    places = np.zeros(sequences.n_items + 1, dtype=np.int64)
    places[kept + 1] = np.arange(1, len(kept) + 1)
    return Sequences(sequences.user_ids, sequences.offsets, places[sequences.items], len(kept))


def figures(scorer: Scorer, held: Held, length: int) -> dict[str, float]:
    """Return what the ranks of the held items are like."""
    ranks = rank_targets(scorer, held, length)
    ndcg = np.where(ranks <= 10, 1 / np.log2(ranks + 1), 0.0)
    percentile = (ranks - 1) / (held.histories.n_items - 1)
    return {"percentile": percentile.mean(), "hr": float((ranks <= 10).mean()), "ndcg": ndcg.mean()}


def ask(
    warm: int, vectors: np.ndarray, held: Held, make: object, length: int, seed: int
) -> dict[str, object]:
    """Return figures with the cold vectors as they are, and dealt out anew."""
    dealt = vectors.copy()
    dealt[warm:] = vectors[warm:][np.random.default_rng(seed).permutation(len(vectors) - warm)]
    return {
        "own": figures(make(vectors), held, length),
        "dealt anew": figures(make(dealt), held, length),
    }


def measure(
    views: list[np.ndarray], sequences: Sequences, seed: int, config: TrainConfig | None
) -> dict[str, object]:
    """Hold a tenth of the items out, and measure; with settings of training, a trained model, too."""
    n = sequences.n_items
    order = np.random.default_rng(seed).permutation(n)
    cold_count = round(SHARE * n)
    kept = np.sort(order[cold_count:])
    rows = np.concatenate([kept, np.sort(order[:cold_count])])  # warm ones first
    moved = only(sequences, rows)
    test = leave_two_out(moved).test
    asked = np.flatnonzero(test.targets > len(kept))
    held = test.select(asked)
    reducers = [fit_pca([view[kept]], 384) for view in views]
    parts = [reducer.project(view[rows]) for reducer, view in zip(reducers, views, strict=True)]
    plain = np.concatenate(parts, axis=1)
    split = leave_two_out(only(sequences, kept))
    made = calibrate(plain[: len(kept)], split.train, CalibrateConfig(seed=seed), None, split.valid)
    vectors = np.concatenate([made.vectors, map_rows(made.adapter, plain[len(kept) :])])
    found: dict[str, object] = {"items": n, "cold": cold_count, "events asked": len(asked)}

    def untrained(given: np.ndarray) -> Scorer:
        return nearest(unit_rows(given))

    found["untrained, uncalibrated"] = ask(len(kept), plain, held, untrained, RECENT, seed)
    found["untrained, calibrated"] = ask(len(kept), vectors, held, untrained, RECENT, seed)
    if config:
        for title, given in zip(TRAINED, (plain, vectors), strict=True):
            trained = scorer_of(split, given[: len(kept)], config)
            found[title] = ask(len(kept), given, held, trained, config.max_length, seed)
    return found


def scorer_of(split: Split, vectors: np.ndarray, config: TrainConfig) -> Callable[[np.ndarray], Scorer]:
    """Train on warm vectors, and return what makes a scorer of those of all items."""
    run = train_model(
        split,
        torch.from_numpy(vectors),
        config,
        torch.device("cpu"),
        lambda row: print(row.words(), flush=True),
    )

    def scorer(every: np.ndarray) -> Scorer:
        weights = {**run.weights, "items.vectors": every}
        return restore_recommender(config.settings(), weights, len(every)).scorer()

    return scorer


def main() -> None:
    """Measure what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("embeddings")
    parser.add_argument("interactions")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--train", action="store_true")
    given = parser.parse_args()
    with open_container(Path(given.embeddings), given.embeddings) as container:
        item_ids = container.read_strings("item_ids")
        views = [container.read(path) for path in container.names("views")]
    sequences = read_histories(given.interactions, 1, item_ids)
    path = RESULTS / f"cold-{given.name}.json"
    rows = json.loads(path.read_text()) if path.is_file() else {}
    for seed in given.seeds:
        if str(seed) not in rows or (given.train and TRAINED[0] not in rows[str(seed)]):
            config = settings(given.name, MODELS["text, calibrated"], 1, seed) if given.train else None
            rows[str(seed)] = measure(views, sequences, seed, config)
            path.write_text(json.dumps(rows, indent=1) + "\n")
            print(json.dumps(rows[str(seed)], indent=1), flush=True)


if __name__ == "__main__":
    main()

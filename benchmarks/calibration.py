"""What each calibration is worth: on held-out pairs, and for recommendation without any training.

    python benchmarks/calibration.py beauty EMB.h5 interactions.jsonl.gz [--encoder ENCODER.h5] \
        [--seeds 0 1 2] [--only spectral paper]

EMB.h5 is what `genair embed` wrote. Every candidate learns from the same training events. What is chosen
(steps, how many recent events make the query) is chosen on validation events, and `test_ndcg` is then taken
once: NDCG@10 of all test events of items that are new to the user, full ranking, seen items left out, items
ranked by cosine to the mean of the last one or five. `tail_ndcg` is over test events whose item is not among
the 20 % most frequent in training. `p` is Wilcoxon's paired test against the uncalibrated vectors. Held-out
pairs are those of each candidate's own graph.

`popularity alone` is a control: vectors that lie together if their items are popular, and say nothing else.
With --encoder a sentence encoder's vectors (`encoder.py`) stand beside, plain and calibrated. Descent is to
256 numbers. Rows go to benchmarks/results/calibration-NAME.json as they come; a row that is there is not
measured again.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from histories import read_histories
from scipy import stats
from sheet import RESULTS, Row, Sheet

from genair.calibrate.diagnostics import Judge, unit_rows
from genair.calibrate.fit import calibrate
from genair.calibrate.transfer import RECENT, nearest
from genair.config import PAPER_GRAPH, CalibrateConfig, DescentConfig, GraphConfig, SpectralConfig
from genair.data.association import associate, hold_out
from genair.data.sequences import Sequences, Split, leave_two_out
from genair.evaluate.metrics import mean_at
from genair.evaluate.ranking import Scorer, rank_targets
from genair.io.embeddings import read_table

RESIDUAL = DescentConfig(adapter="residual")
DESCENT_DIM = 256  # numbers of what is found by descent
CANDIDATES = {
    "spectral": CalibrateConfig(),
    "spectral, 256 numbers": CalibrateConfig(dim=256),
    "spectral, directions alike": CalibrateConfig(spectral=SpectralConfig(power=0.0)),
    "spectral, tau 0": CalibrateConfig(spectral=SpectralConfig(tau=0.0)),
    "spectral, tau 1": CalibrateConfig(spectral=SpectralConfig(tau=1.0)),
    "spectral, tau 100": CalibrateConfig(spectral=SpectralConfig(tau=100.0)),
    "spectral, no random features": CalibrateConfig(spectral=SpectralConfig(features=0)),
    "spectral, whole histories": CalibrateConfig(graph=GraphConfig(window=0)),
    "spectral, the paper's score": CalibrateConfig(graph=GraphConfig(score="log")),
    "alignment, residual": CalibrateConfig("alignment", DESCENT_DIM, descent=RESIDUAL),
    "contrastive, residual": CalibrateConfig("contrastive", DESCENT_DIM, descent=RESIDUAL),
    "paper, residual held": CalibrateConfig("paper", DESCENT_DIM, descent=replace(RESIDUAL, hold=1.0)),
    "paper, on its own graph": CalibrateConfig("paper", DESCENT_DIM, gamma=4.0, graph=PAPER_GRAPH),
    "alignment": CalibrateConfig("alignment", DESCENT_DIM),
    "contrastive": CalibrateConfig("contrastive", DESCENT_DIM),
    "uniformity": CalibrateConfig("uniformity", DESCENT_DIM),
    "paper": CalibrateConfig("paper", DESCENT_DIM),
}


class Field:
    """One data set: its events split, and how often each item is in training."""

    def __init__(self, sequences: Sequences) -> None:
        """Split."""
        self.split: Split = leave_two_out(sequences)
        counts = np.bincount(self.split.train.items, minlength=sequences.n_items + 1)[1:]
        head = np.argsort(-counts, kind="stable")[: max(1, sequences.n_items // 5)]
        self.tail = ~np.isin(self.split.test.targets - 1, head)
        self.plain: np.ndarray | None = None

    def recommend(self, scorer: Scorer) -> tuple[Row, np.ndarray]:
        """Return metrics on test events, with the number of recent events that validation prefers."""
        worth = {k: mean_at("ndcg", rank_targets(scorer, self.split.valid, k), 10) for k in RECENT}
        recent = max(worth, key=lambda k: worth[k])
        gains = ndcg_of(rank_targets(scorer, self.split.test, recent))
        row: Row = {"valid_ndcg": worth[recent], "recent": recent, "users": len(gains)}
        row |= {"test_ndcg": gains.mean(), "stderr": gains.std() / len(gains) ** 0.5}
        row["tail_ndcg"] = gains[self.tail].mean()
        if self.plain is not None and (gains != self.plain).any():
            row["p"] = stats.wilcoxon(gains, self.plain).pvalue
        return {key: float(value) for key, value in row.items()}, gains


def ndcg_of(ranks: np.ndarray) -> np.ndarray:
    """Return NDCG@10 of each rank."""
    return np.where(ranks <= 10, 1 / np.log2(ranks + 1), 0.0)


def graph_scorer(field: Field, config: GraphConfig) -> Scorer:
    """Return what scores items by the sum of their graph scores with the recent events."""
    train = field.split.train
    matrix = associate(train, config).to_csr(train.n_items)

    def score(histories: np.ndarray) -> torch.Tensor:
        found = np.zeros((len(histories), train.n_items))
        for column in histories.T:
            present = np.flatnonzero(column)
            found[present] += matrix[column[present] - 1].toarray()
        return torch.from_numpy(found)

    return score


def vectors_of(item_ids: Sequence[str], path: str) -> np.ndarray:
    """Return a file's vectors of these items, in their order."""
    table = read_table(Path(path), path)
    rows = {item_id: row for row, item_id in enumerate(table.item_ids)}
    return table.vectors[[rows[item_id] for item_id in item_ids]]


def fitted(field: Field, vectors: np.ndarray, config: CalibrateConfig) -> Row:
    """Calibrate and measure."""
    start = time.perf_counter()
    found = calibrate(vectors, field.split.train, config, None, field.split.valid)
    row: Row = {"seconds": round(time.perf_counter() - start, 1)}
    if found.stop is not None:
        row |= {"best_step": found.stop.best, "steps": found.stop.steps}
    row |= {"before": asdict(found.before), "after": asdict(found.after)}
    return row | field.recommend(nearest(unit_rows(found.vectors)))[0]


def plain(field: Field, vectors: np.ndarray, seed: int, *, first: bool) -> Row:
    """Measure vectors as they are."""
    graph, held = hold_out(associate(field.split.train, GraphConfig()), CalibrateConfig().holdout, seed)
    row, gains = field.recommend(nearest(unit_rows(vectors)))
    if first:
        field.plain = gains
    return {"after": asdict(Judge(graph, held, seed, field.split.valid).measure(vectors)), **row}


def popularity(field: Field) -> np.ndarray:
    """Return vectors (items, 9) of the squared logarithm of training events, and noise."""
    train = field.split.train
    counts = np.bincount(train.items, minlength=train.n_items + 1)[1:]
    noise = np.random.default_rng(0).standard_normal((train.n_items, 8))
    return np.column_stack([np.log1p(counts) ** 2, noise]).astype(np.float32)


def main() -> None:
    """Measure what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("embeddings")
    parser.add_argument("interactions")
    parser.add_argument("--encoder", help="what encoder.py wrote")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", default=list(CANDIDATES))
    given = parser.parse_args()
    table = read_table(Path(given.embeddings), given.embeddings)
    field = Field(read_histories(given.interactions, 1, list(table.item_ids)))
    sheet = Sheet(RESULTS / f"calibration-{given.name}.json", {})
    _, field.plain = field.recommend(nearest(unit_rows(table.vectors)))
    encoded = vectors_of(table.item_ids, given.encoder) if given.encoder else None
    for title, config in (("graph", GraphConfig()), ("graph of whole histories", GraphConfig(window=0))):
        sheet.measure(title, lambda config=config: field.recommend(graph_scorer(field, config))[0])
    for seed in given.seeds:
        sheet.measure(f"uncalibrated/{seed}", lambda seed=seed: plain(field, table.vectors, seed, first=True))
        sheet.measure(
            f"popularity alone/{seed}", lambda seed=seed: plain(field, popularity(field), seed, first=False)
        )
        if encoded is not None:
            sheet.measure(
                f"sentence encoder/{seed}", lambda seed=seed: plain(field, encoded, seed, first=False)
            )
            config = CalibrateConfig(seed=seed)
            sheet.measure(
                f"sentence encoder, spectral/{seed}", lambda config=config: fitted(field, encoded, config)
            )
    for title in given.only:
        for seed in given.seeds:
            config = replace(CANDIDATES[title], seed=seed)
            sheet.measure(f"{title}/{seed}", lambda config=config: fitted(field, table.vectors, config))


if __name__ == "__main__":
    main()

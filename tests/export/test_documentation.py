"""What docs/formats.md shows under Exports runs as it is written."""

import re
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
FILES = {
    "npy": "items.npy",
    "safetensors": "items.safetensors",
    "parquet": "items.parquet",
    "word2vec": "items.txt",
    "word2vec-binary": "items.bin",
    "faiss": "items.faiss",
}


def test_the_snippets_open_every_format(numbers, vectors_of, write, tmp_path, monkeypatch):
    item_ids = [f"i{row}" for row in range(20)]
    table = numbers(20)[1:]
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    for to, name in FILES.items():
        write(vectors_of(item_ids[1:], table), to, name)
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    section = page.split("\n## Exports\n")[1].split("\n## ")[0]
    snippets = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    found: dict = {}
    for snippet in snippets:
        exec(snippet, found)  # noqa: S102
        assert found["ids"] == item_ids[1:]
        assert np.array_equal(found["vectors"], table)
    assert len(snippets) == 5
    cosines = table @ table[0]
    best = [item_ids[1 + row] for row in np.argsort(-cosines)]
    assert found["best"] == best[:10]
    assert [word for word, _ in found["neighbours"]] == best[1:11]

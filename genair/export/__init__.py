"""Item vectors for other systems: one file a format, and only that file knows the format's library."""

from typing import TYPE_CHECKING

from genair.registry import Registry

if TYPE_CHECKING:
    from genair.export.base import Format

FORMATS: Registry["Format"] = Registry(
    "format",
    {
        "npy": "genair.export.npy:FORMAT",
        "safetensors": "genair.export.safetensors_:FORMAT",
        "parquet": "genair.export.parquet:FORMAT",
        "word2vec": "genair.export.word2vec:TEXT",
        "word2vec-binary": "genair.export.word2vec:BINARY",
        "recbole": "genair.export.recbole:FORMAT",
        "faiss": "genair.export.faiss_:FORMAT",
    },
)

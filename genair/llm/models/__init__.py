"""Language models by name: what is here, which file a name stands for, and its fast copy in the cache."""

from genair.llm.models.cache import cache_folder
from genair.llm.models.files import ModelFile, find_model
from genair.llm.models.spec import backend_spec

__all__ = ["ModelFile", "backend_spec", "cache_folder", "find_model"]

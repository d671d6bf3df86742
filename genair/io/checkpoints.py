"""The model file: everything needed to serve alone, and no pickle.

Datasets: `/item_ids`, `/weights/<parameter>`; attribute `config`: JSON of the settings that rebuild the
model; `/training/<name>`: curves of the run.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from genair.errors import InputError
from genair.io.container import Array, create_container, ids_digest, open_container
from genair.provenance import Step

KIND = "genair-model"


@dataclass(frozen=True)
class ModelFile:
    """A trained recommender, without torch.

    Attributes:
        config: JSON values that rebuild the model (backbone, items, sizes).
        item_ids: outside ids; item_ids[i] has index i + 1 in the model (0 is padding).
        weights: parameter name to array, frozen item vectors included.
        steps: provenance, oldest first.
        training: name to array, e.g. `valid_ndcg@10` per epoch.
    """

    config: Mapping[str, Any]
    item_ids: Sequence[str]
    weights: Mapping[str, Array]
    steps: Sequence[Step]
    training: Mapping[str, Array] = field(default_factory=dict)


def write_model(path: Path, model: ModelFile) -> None:
    """Write a model file."""
    with create_container(path, KIND) as container:
        container.set_attributes(
            rows=len(model.item_ids),
            ids_sha256=ids_digest(model.item_ids),
            config=json.dumps(dict(model.config), sort_keys=True),
        )
        container.write_strings("item_ids", model.item_ids)
        for group, arrays in (("weights", model.weights), ("training", model.training)):
            for name in sorted(arrays):
                container.write(f"{group}/{name}", np.asarray(arrays[name]))
        container.write_steps(model.steps)


def read_model(path: Path, name: str) -> ModelFile:
    """Read a model file.

    Raises:
        InputError: the file is damaged, of another kind, or its weights are not finite.
    """
    with open_container(path, name, KIND) as container:
        weights = {path.removeprefix("weights/"): container.read(path) for path in container.names("weights")}
        for key, array in weights.items():
            if not np.isfinite(array).all():
                raise InputError(f"weight {key} is not finite", where=name)
        item_ids = container.read_strings("item_ids")
        if container.attributes().get("ids_sha256") != ids_digest(item_ids):
            raise InputError("item ids do not match their digest", where=name)
        with container.reading("attribute config"):
            config = json.loads(container.attributes()["config"])
            if not isinstance(config, dict):
                raise ValueError("the settings are no JSON object")
        return ModelFile(config, item_ids, weights, container.steps)

"""Vectors for items to come: the projections, settings and model of an embedding file, used again.

Nothing is fitted, so old and new vectors lie in one space. The steps of that file come first in the new
file's provenance, which is how later stages see it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from genair.config import EmbedConfig
from genair.embed.reduce import PCA
from genair.errors import InputError
from genair.io.container import Container, open_container
from genair.io.embeddings import KIND
from genair.llm.base import BackendSpec
from genair.provenance import Step

_ASKED = ("prompt", "item_type", "fields", "max_field_chars", "decoding")  # what shapes an archetype


@dataclass(frozen=True)
class Likeness:
    """What an embedding file tells about how vectors like its own are made.

    Attributes:
        name: what errors call the file.
        config: its settings.
        reducers: its projections by view.
        made_by: its `embed` step; the last one, if it was itself made like another.
        steps: its provenance, oldest first.
    """

    name: str
    config: EmbedConfig
    reducers: Mapping[str, PCA]
    made_by: Step
    steps: Sequence[Step]

    def check_model(self, spec: BackendSpec) -> None:
        """Refuse any model but the one whose states the projections were fitted on.

        Raises:
            InputError: it has another digest.
        """
        model, backend = self.made_by.settings["model"], self.made_by.settings["backend"]
        if model["sha256"] == spec.sha256:
            return
        there, here = _named(model["name"], model["sha256"]), _named(spec.name, spec.sha256)
        words = f"--backend {backend} " if backend != spec.backend else ""
        raise InputError(
            f"was made by the model {there}, this is {here}: use {words}--model {model['name']}",
            where=self.name,
        )

    def runs_otherwise(self, spec: BackendSpec) -> bool:
        """Return whether the model's weights are held otherwise here, which moves states a little."""
        return bool(self.made_by.settings["model"].get("runs") != spec.runs)

    def asked_otherwise(self, steps: Sequence[Step]) -> list[str]:
        """Return which settings of `archetype` steps none of the file's own archetypes were written with.

        Steps of archetypes from elsewhere, which tell nothing, are not compared.
        """
        own = [step.settings for step in self.steps if step.command == "archetype"]
        told = [step.settings for step in steps if own and step.command == "archetype"]
        return [
            name
            for name in _ASKED
            if any(one.get(name) not in [other.get(name) for other in own] for one in told)
        ]

    def join(self, steps: Sequence[Step]) -> list[Step]:
        """Return the file's steps and, behind them, those of `steps` that are not among them."""
        known = {step.id for step in self.steps}
        return [*self.steps, *(step for step in steps if step.id not in known)]


def read_likeness(path: Path, name: str) -> Likeness:
    """Read what an embedding file tells about its vectors; the vectors themselves stay on disk.

    Raises:
        InputError: the file has no projections (a calibrated one has none), or is damaged.
    """
    with open_container(path, name, KIND) as container:
        if not container.has("reducer"):
            raise InputError("has no projection: give the file that `genair embed` wrote", where=name)
        steps = container.steps
        made_by = next((step for step in reversed(steps) if step.command == "embed"), None)
        if made_by is None:
            raise InputError("does not say which model made it: it has no embed step", where=name)
        with container.reading(f"the settings of {made_by.id}"):
            told = made_by.settings
            config = EmbedConfig(tuple(told["views"]), told["dim"], told["wave"])
        reducers = {view: _read_reducer(container, view) for view in config.views}
        return Likeness(name, config, reducers, made_by, steps)


def _read_reducer(container: Container, view: str) -> PCA:
    folder = f"reducer/{view}"
    arrays = {path.removeprefix(f"{folder}/"): container.read(path) for path in container.names(folder)}
    with container.reading(f"/{folder}"):
        return PCA.of(arrays)


def _named(name: str, sha256: str) -> str:
    return f"{name} ({sha256[:12]})" if sha256 else name

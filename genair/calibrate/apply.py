"""A finished calibration for items to come: through the saved adapter, behind the rows that are there."""

from collections.abc import Sequence

import numpy as np
import torch

from genair.calibrate.adapter import Adapter
from genair.calibrate.descent import AnyAdapter
from genair.calibrate.fit import map_rows
from genair.calibrate.residual import ResidualAdapter
from genair.calibrate.stage import PACKAGES
from genair.errors import InputError
from genair.io.embeddings import EmbeddingTable
from genair.provenance import Step, add_step, is_calibration

_COMMAND = "calibrate"
_KINDS: dict[str, type[AnyAdapter]] = {kind.kind: kind for kind in (Adapter, ResidualAdapter)}


def apply_table(
    calibrated: EmbeddingTable, new: EmbeddingTable, *, name: str, new_name: str
) -> EmbeddingTable:
    """Return a calibrated table with more items behind its own, mapped by its adapter.

    Args:
        calibrated: a table with `adapter` and `association` among its extras; its rows stay as they are.
        new: vectors of items it does not have, by `genair embed --like` of what it was calibrated from.
        name: what errors call the calibrated table.
        new_name: what they call the new one.

    Raises:
        InputError: there is no adapter or it is damaged, an item is in both, or the new vectors are of
            another space.
    """
    adapter = _adapter_of(calibrated, name)
    _check_same_space(_origin_of(calibrated, name), new, new_name)
    if new.vectors.shape[1] != adapter.in_dim:
        raise InputError(
            f"its vectors have {new.vectors.shape[1]} numbers, the adapter of {name} takes {adapter.in_dim}",
            where=new_name,
        )
    if both := sorted(set(calibrated.item_ids) & set(new.item_ids)):
        raise InputError(
            f"{len(both)} items are calibrated already, the first is {both[0]!r}", where=new_name
        )
    mapped = map_rows(adapter, np.asarray(new.vectors), f"{name} or {new_name} is damaged")
    vectors = np.concatenate([calibrated.vectors, mapped])
    made_by = [step.id for step in calibrated.steps if step.command == _COMMAND][-1]
    known = {step.id for step in calibrated.steps}
    steps = [*calibrated.steps, *(step for step in new.steps if step.id not in known)]
    applied = add_step(steps, _COMMAND, {"apply": made_by}, {}, PACKAGES)
    extras = dict(calibrated.extras)
    if "association/indptr" in extras:  # what nobody had yet is associated with nothing
        extras["association/indptr"] = np.pad(extras["association/indptr"], (0, len(new.item_ids)), "edge")
    return EmbeddingTable([*calibrated.item_ids, *new.item_ids], vectors, applied, extras)


def _adapter_of(table: EmbeddingTable, name: str) -> AnyAdapter:
    for kind, adapter in _KINDS.items():
        group = f"adapter/{kind}/"
        weights = {
            path.removeprefix(group): torch.from_numpy(np.asarray(value))
            for path, value in table.extras.items()
            if path.startswith(group)
        }
        if weights:
            try:
                return adapter.of(weights)
            except (IndexError, KeyError, RuntimeError, ValueError) as error:
                raise InputError(f"/{group} is damaged: it is no adapter", where=name) from error
    raise InputError("has no adapter: give the file that `genair calibrate` wrote", where=name)


def _origin_of(table: EmbeddingTable, name: str) -> Sequence[Step]:
    """Return the steps behind the vectors that the adapter was fitted to."""
    for at in reversed(range(len(table.steps))):
        step = table.steps[at]
        if is_calibration(step):
            return table.steps[:at]
    raise InputError("does not say how it was calibrated: it has no calibrate step", where=name)


def _check_same_space(origin: Sequence[Step], new: EmbeddingTable, name: str) -> None:
    made_by, known = {step.id for step in new.steps}, {step.id for step in origin}
    missing = [step.id for step in origin if step.id not in made_by]
    beyond = [step.id for step in new.steps if is_calibration(step) and step.id not in known]
    if missing or beyond:
        why = f"{missing[-1]} is not among its steps" if missing else f"{beyond[-1]} calibrated them already"
        raise InputError(
            f"its vectors lie in another space, {why}: make them with `genair embed --like`", where=name
        )

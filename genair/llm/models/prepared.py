"""Which models get a fast copy, and in which format.

llama.cpp has no fast batched kernel for Q4_1, Q5_0 and Q5_1: on a processor with AVX2 they decode at 0.4 to
0.6 times the speed of F16, while Q4_0 and the K and IQ formats are within 10 % of it. So small models in
these three are rewritten once, in the fastest of F16, BF16 and Q8_0; all others run as they are, since
rewriting could only lose digits or fill the disk. Which one is fastest depends on the processor: the first
use tries all three.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from genair.errors import GenairError, InputError
from genair.llm.facts import ModelFacts
from genair.llm.models.aside import CrashedError, aside
from genair.llm.models.files import ModelFile
from genair.llm.models.shelf import Choice, Shelf

AS_IS = "as is"
_FTYPES = {"f16": 1, "bf16": 32, "q8_0": 7}  # LLAMA_FTYPE numbers; the first one wins unless beaten clearly
_BYTES = {"f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32}  # of a weight
_SLOW = frozenset({"Q4_1", "Q5_0", "Q5_1"})
_LARGEST = 1 << 30
_CLEARLY = 1.05
_MIB = 1 << 20

Notify = Callable[[str], None]


@dataclass(frozen=True)
class Running:
    """What runs when a model is asked for.

    Attributes:
        path: the file.
        runs: how it holds the weights: `f16`, `bf16`, `q8_0`, or `as is`.
        rates: of each format that was tried, tokens per second of processor time.
    """

    path: Path
    runs: str
    rates: Mapping[str, float] = field(default_factory=dict)


def reason_as_is(facts: ModelFacts) -> str:
    """Return why a model gets no fast copy; empty if it gets one."""
    if not facts.template:
        return "it has no chat template, so nothing here can use it"
    if facts.quantization not in _SLOW:
        return f"{facts.quantization} is fast as it is"
    if facts.parameters * _BYTES["f16"] > _LARGEST:
        return f"a fast copy of {facts.parameters / 1e6:.0f} million weights would exceed 1 GiB"
    return ""


def prepared_copy(model: ModelFile, facts: ModelFacts, notify: Notify) -> Running:
    """Return what is to run for a model, making the fast copy first if it gets one and has none.

    Args:
        model: the model.
        facts: what its file says.
        notify: told in a line what is done, when it takes time.

    Raises:
        GenairError: the copy cannot be made.
    """
    if reason_as_is(facts):
        return Running(model.path, AS_IS)
    shelf = Shelf(model.sha256)
    try:
        choice = shelf.choice()
        if choice is None or shelf.label(choice.runs) is None:
            with shelf.locked() as scratch:
                choice = _prepare(_Bench(model, facts, shelf, scratch), notify)
    except OSError as error:
        raise GenairError(
            f"cannot prepare the model ({error.strerror}): set GENAIR_CACHE", where=str(shelf.folder)
        ) from error
    return Running(shelf.path(choice.runs), choice.runs, choice.rates)


def fastest(rates: Mapping[str, float]) -> str:
    """Return the format to use: F16 unless another is more than 5 % faster, so that noise does not tell.

    Args:
        rates: tokens per second of each format.
    """
    first = next(iter(_FTYPES))
    best = max(rates, key=lambda runs: rates[runs])
    return best if rates[best] > _CLEARLY * rates[first] else first


@dataclass(frozen=True)
class _Bench:
    """A model, the shelf for its copies, and a folder to make them in."""

    model: ModelFile
    facts: ModelFacts
    shelf: Shelf
    scratch: Path


def _prepare(bench: _Bench, notify: Notify) -> Choice:
    """Do what is still to be done; another process may have done some of it while we waited."""
    choice, shelf = bench.shelf.choice(), bench.shelf
    if choice is None or choice.runs not in _FTYPES:
        notify(
            f"preparing {bench.model.name} once: {bench.facts.quantization} is slow, a fast copy is made"
            " in the format that suits this machine"
        )
        files = {runs: _file(bench, runs) for runs in _FTYPES}
        rates = aside(
            "genair.llm.models.selfbench:measure", {runs: str(path) for runs, path in files.items()}
        )
        choice = Choice(fastest(rates), rates)
        figures = ", ".join(f"{runs} {rate:.0f}" for runs, rate in rates.items())
        notify(
            f"{bench.model.name} runs as {choice.runs} (tokens a second: {figures}), kept in {shelf.folder}"
        )
    if shelf.label(choice.runs) is None:
        shelf.install(_file(bench, choice.runs), choice.runs, bench.model.name)
    shelf.keep_choice(choice, bench.model.name)
    return choice


def _file(bench: _Bench, runs: str) -> Path:
    """Return a copy in one format: from the shelf, or made.

    Raises:
        InputError: llama.cpp cannot rewrite the model.
        GenairError: the disk is too small, or the copy cannot be used.
    """
    made = bench.scratch / f"{runs}.gguf"
    if bench.shelf.label(runs) is not None:
        return bench.shelf.path(runs)
    if made.is_file():
        return made
    size = int(bench.facts.parameters * _BYTES[runs]) + bench.model.path.stat().st_size // 4
    free = shutil.disk_usage(bench.scratch).free
    if free < size:
        raise GenairError(
            f"a fast copy needs {size // _MIB} MiB, {free // _MIB} are free: make room, or set GENAIR_CACHE",
            where=str(bench.shelf.folder),
        )
    try:
        copied = aside("genair.llm.llamacpp.gguf:requantize", str(bench.model.path), str(made), _FTYPES[runs])
    except CrashedError as error:
        raise InputError(
            f"damaged: llama.cpp crashes when it rewrites this model ({error.message})",
            where=str(bench.model.path),
        ) from error
    if copied["parameters"] != bench.facts.parameters:
        raise GenairError("the fast copy lacks weights: try again", where=str(bench.shelf.folder))
    return made

"""Whether a prompt and its answer fit the model's context; nothing is ever cut silently."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from genair.errors import InputError
from genair.llm.base import LLMBackend
from genair.llm.waves import Record
from genair.records import ChatPrompt, Failed

T = TypeVar("T", bound=Record)
R = TypeVar("R")


def require_room(
    backend: LLMBackend, prompt: ChatPrompt, where: str, *, answer: str = "", room: int = 0
) -> None:
    """Refuse what the model cannot hold.

    Args:
        backend: the loaded model.
        prompt: what it is told.
        where: the line the prompt is of.
        answer: a text to be read after the prompt.
        room: tokens that are to be generated.

    Raises:
        InputError: they do not fit.
    """
    if backend.context_length is None:
        return
    size = backend.count_tokens(prompt, answer)
    if size + room > backend.context_length:
        asked = f"{size} tokens" + (f" and {room} to write" if room else "")
        raise InputError(
            f"item {prompt.item_id!r}: {asked} exceed the model's context of {backend.context_length}:"
            f" shorten its text{', or use --max-field-chars' if room else ''}",
            where=where,
        )


def do_fitting(
    wave: Sequence[T], check: Callable[[T], None], work: Callable[[Sequence[T]], Sequence[R | Failed]]
) -> list[R | Failed]:
    """Return what `work` makes of the records that pass `check`, with a `Failed` in the place of the others.

    Args:
        wave: records.
        check: raises InputError at a record that cannot be done.
        work: gives one result for each record.
    """
    outcomes: dict[int, R | Failed] = {}
    for index, one in enumerate(wave):
        try:
            check(one)
        except InputError as error:
            outcomes[index] = Failed(error, one.line)
    fitting = [index for index in range(len(wave)) if index not in outcomes]
    done = work([wave[index] for index in fitting]) if fitting else []
    outcomes.update(zip(fitting, done, strict=True))
    return [outcomes[index] for index in range(len(wave))]

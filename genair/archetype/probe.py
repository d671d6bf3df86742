"""How long a run will take, from a few seconds of the real work."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from genair.archetype.generate import Request, write_archetypes
from genair.config import ArchetypeConfig
from genair.errors import GenairError
from genair.llm.base import BackendSpec
from genair.llm.waves import waves_of
from genair.records import Failed

_TOKENS = 16


@dataclass(frozen=True)
class Probe:
    """What a short run showed.

    Attributes:
        items: how many it answered.
        prompt_tokens: of them, on average.
        tokens_per_s: fed, prompts and answers together, all workers together.
        seconds_per_item: expected of a run whose answers all reach the limit.
    """

    items: int
    prompt_tokens: float
    tokens_per_s: float
    seconds_per_item: float


def probe(
    wanted: Iterable[Request | Failed],
    config: ArchetypeConfig,
    spec: BackendSpec,
    workers: int,
    seconds: float = 10.0,
) -> Probe | None:
    """Answer requests for some seconds, 16 tokens each; None if there are none.

    The clock starts with the first answers, so that loading the model is not counted, unless these are all.

    Raises:
        GenairError: a server does not count tokens.
    """
    decoding = replace(config.decoding, max_tokens=min(_TOKENS, config.decoding.max_tokens))
    waves = waves_of(wanted, spec.parallel)
    begun = started = time.monotonic()
    items = tokens = prompt_tokens = counted = 0
    for unit in write_archetypes(waves, replace(config, decoding=decoding), spec, workers):
        now = time.monotonic()
        for one in unit.outcomes:
            if not isinstance(one, Failed):
                items += 1
                prompt_tokens += one.archetype.prompt_tokens
                tokens += one.archetype.prompt_tokens + one.archetype.archetype_tokens
        if started == begun:
            started, counted = now, tokens
        if now - begun >= seconds:
            break
    if not items:
        return None
    elapsed = time.monotonic() - started
    rate = (tokens - counted) / elapsed if tokens > counted else tokens / (started - begun)
    mean = prompt_tokens / items
    if not rate:
        raise GenairError("the server does not count tokens: there is nothing to estimate by")
    return Probe(items, mean, rate, (mean + config.decoding.max_tokens) / rate)

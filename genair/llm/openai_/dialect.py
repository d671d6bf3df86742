"""How a server is told the decoding settings, which not all call by the same names.

All of them are sent, even where they are off, because servers' own defaults differ: llama-cpp-python's
penalty is 1.1 and its top-k 40, vLLM takes both from the model's files. The penalty goes by two names,
`repeat_penalty` (llama.cpp) and `repetition_penalty` (vLLM). What a server refuses is left out from then on
if it was off anyway; otherwise the run ends with the option that would mend it. Greedy decoding sends no
top-p, top-k or seed. A server that ignores a field without a word cannot be found out.
"""

from collections.abc import Mapping
from math import nan

from genair.config import Decoding
from genair.errors import UsageError
from genair.llm.openai_.refusals import Refusal

_PENALTIES = ("repeat_penalty", "repetition_penalty")
_SEED_BITS = 31
_OFF: Mapping[str, tuple[float, str]] = {
    "temperature": (1, "set --temperature 1"),
    "top_p": (1, "set --top-p 1"),
    "top_k": (0, "set --top-k 0"),
    "seed": (nan, "set --temperature 0, which needs none"),
    "max_completion_tokens": (nan, "set another --max-tokens"),
    **dict.fromkeys(_PENALTIES, (1, "set --repeat-penalty 1")),
}


class Dialect:
    """What one server understands, learnt from what it refuses; threads share it."""

    def __init__(self, where: str) -> None:
        """Expect everything of the server at that address."""
        self._where = where
        self._refused: set[str] = set()

    def fields(self, decoding: Decoding, seed: int) -> dict[str, float]:
        """Return the decoding fields of a request; of the seed, 31 bits."""
        limit = "max_completion_tokens" if "max_tokens" in self._refused else "max_tokens"
        fields: dict[str, float] = {limit: decoding.max_tokens, "temperature": decoding.temperature}
        fields |= dict.fromkeys(_PENALTIES, decoding.repeat_penalty)
        if decoding.temperature > 0:
            fields |= {"top_p": decoding.top_p, "top_k": decoding.top_k, "seed": seed % 2**_SEED_BITS}
        return {name: value for name, value in fields.items() if name not in self._refused}

    def learn(self, refusal: Refusal, sent: Mapping[str, float]) -> bool:
        """Return whether the server named fields that can be done without: then it is to be asked again.

        Args:
            refusal: what the server said.
            sent: the fields it was sent.

        Raises:
            UsageError: it does not take a setting that matters.
        """
        named = refusal.named(sent)
        refused = self._refused | named
        for name in sorted(named):
            if name == "max_tokens" or (name in _PENALTIES and not refused.issuperset(_PENALTIES)):
                continue  # it has another name
            off, hint = _OFF[name]
            if sent[name] != off:
                raise UsageError(
                    f"the server does not take {name} {sent[name]:g}"
                    f" ({refusal.status}: {refusal.message}): {hint}",
                    where=self._where,
                )
        self._refused |= named
        return bool(named)

"""A causal language model of transformers as `genair.llm.transformers_.padded` wants it."""

from collections.abc import Callable
from typing import Protocol

import torch

from genair.errors import GenairError
from genair.llm.transformers_.keyvalues import Cache


class Output(Protocol):
    """What a model with a head returns.

    Attributes:
        logits: shape (rows, columns, vocabulary).
    """

    logits: torch.Tensor


class HeadedModel(Protocol):
    """What is used of transformers' `PreTrainedModel`.

    Attributes:
        device: where its weights are.
        base_model: all of it but the head.
    """

    device: torch.device
    base_model: torch.nn.Module

    def __call__(
        self,
        *,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        position_ids: torch.Tensor,
        past_key_values: Cache,
        use_cache: bool,
    ) -> Output:
        """Feed tokens, shape (rows, columns)."""


class CausalModel:
    """A model with a head; its base's states, after the final norm, are caught on their way to the head."""

    def __init__(self, model: HeadedModel, new_cache: Callable[[], Cache]) -> None:
        """Take a model, and what makes a cache that keeps all columns of all layers."""
        self.device = model.device
        self._model, self._base, self._new_cache = model, model.base_model, new_cache
        self._caught: torch.Tensor | None = None
        self._base.register_forward_hook(self._catch)

    def read(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return hidden states; see `PaddedModel.read`."""
        self._base(input_ids=tokens, use_cache=False)
        return self._states()

    def begin(self, tokens: torch.Tensor) -> tuple[torch.Tensor, Cache]:
        """Return hidden states, keys and values; see `PaddedModel.begin`."""
        cache = self._new_cache()
        self._base(input_ids=tokens, past_key_values=cache, use_cache=True)
        return self._states(), cache

    def step(
        self, tokens: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, cache: Cache
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Feed one more token a row; see `PaddedModel.step`."""
        output = self._model(
            input_ids=tokens,
            attention_mask=mask.long(),
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        )
        return output.logits[:, -1], self._states()[:, -1]

    def _states(self) -> torch.Tensor:
        caught, self._caught = self._caught, None
        if caught is None:
            raise GenairError("this model's base gives no hidden states: use --backend llamacpp")
        return caught

    def _catch(self, _module: object, _arguments: object, output: object) -> None:
        self._caught = getattr(output, "last_hidden_state", None)

"""What a model file says of itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelFacts:
    """Facts of a model, read without its weights.

    Attributes:
        architecture: e.g. `llama`.
        parameters: how many weights.
        quantization: how the file holds most of them, e.g. `Q4_1`.
        size: bytes of the weights.
        context: most tokens it was trained on at once.
        hidden_size: width of its hidden states.
        layers: how many.
        kv_heads: key-value heads of a layer.
        kv_width: numbers that one token leaves in the key-value memory, all layers together.
        vocabulary: tokens it knows.
        template: whether it has a chat template.
        license: what its maker wrote there; empty if nothing.
    """

    architecture: str
    parameters: int
    quantization: str
    size: int
    context: int
    hidden_size: int
    layers: int
    kv_heads: int
    kv_width: int
    vocabulary: int
    template: bool
    license: str

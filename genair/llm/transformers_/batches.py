"""How many tokens are read together: what a pass holds in memory grows with it."""


def batch_tokens(device: str) -> int:
    """Return the most tokens of a batch that is read on a device (`cpu`, `cuda:0`, ...)."""
    return 1024 if device == "cpu" else 16384  # fastest on two cores; enough to fill a card

"""Seeds that depend on what is seeded, never on where in a run it comes."""

import hashlib


def derive_seed(seed: int, *parts: str) -> int:
    """Return a 63-bit seed from a base seed and the parts that name its use.

    Equal arguments give equal seeds on every machine; the parts are length-prefixed, so
    `("ab", "c")` and `("a", "bc")` differ.
    """
    digest = hashlib.sha256(str(seed).encode())
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return int.from_bytes(digest.digest()[:8], "little") >> 1

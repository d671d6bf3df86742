"""Big GGUF files come in parts: NAME-00001-of-00003.gguf and so on; the first one stands for all."""

import re

_PART = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.gguf", re.DOTALL)


def part_names(file: str) -> list[str]:
    """Return the names of all parts of a file in several parts, given any of them; else the name alone."""
    found = _PART.fullmatch(file)
    if found is None:
        return [file]
    stem, _, count = found.groups()
    return [f"{stem}-{number:05}-of-{count}.gguf" for number in range(1, int(count) + 1)] or [file]


def is_first_part(file: str) -> bool:
    """Return whether a name stands for a whole model."""
    return part_names(file)[:1] == [file]


def stem_of(file: str) -> str:
    """Return the name of a model file without suffix and part."""
    found = _PART.fullmatch(file)
    return file.removesuffix(".gguf") if found is None else str(found.group(1))

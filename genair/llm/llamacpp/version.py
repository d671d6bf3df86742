"""Which llama-cpp-python is installed, and whether it will do; told without importing it.

One that is too old would mostly not fail: ctypes takes a setting that a structure does not have for an
attribute of Python's, and llama.cpp never hears of it.
"""

import re
from importlib.metadata import PackageNotFoundError, version

from genair.errors import MissingExtraError

OLDEST = "0.3.17"  # the first with `no_alloc` and `flash_attn_type`; as in pyproject.toml
_PACKAGE, _EXTRA = "llama-cpp-python", "llamacpp"


def llama_cpp_version() -> str:
    """Return the version of the installed llama-cpp-python.

    Raises:
        MissingExtraError: it is not installed, or too old for what is used of it.
    """
    try:
        found = version(_PACKAGE)
    except PackageNotFoundError as error:
        raise MissingExtraError.of(_PACKAGE, _EXTRA) from error
    if _numbers(found) < _numbers(OLDEST):
        raise MissingExtraError.too_old(_PACKAGE, found, OLDEST, _EXTRA)
    return found


def _numbers(version_text: str) -> tuple[int, ...]:
    """Return the numbers of a release, without what is said of its build."""
    release = re.match(r"\d+(\.\d+)*", version_text)
    return tuple(map(int, release.group().split("."))) if release else ()

"""Lines that hold a Python literal, as Amazon's metadata of 2014 does; nothing is ever evaluated.

JSON is tried first. A line without double quotes and backslashes becomes JSON by swapping its quotes: each
single quote in it begins or ends a string. What is left goes to `ast.literal_eval`, but only if it
consists of nothing but strings, numbers, names of constants and brackets, so that no expression can be deep.
"""

import ast
import re
import warnings

import orjson

from genair.errors import InputError
from genair.io.jsonl import Row, parse_line

_LONGEST = 1 << 23
_TOKENS = re.compile(
    rb"""(?: [\s{}\[\](),:]++
        | '(?:[^'\\\n]|\\.)*+' | "(?:[^"\\\n]|\\.)*+"
        | -?+[0-9][0-9.eE+-]*+
        | None | True | False )*+""",
    re.VERBOSE | re.DOTALL,
)


def parse_literal(line: bytes, where: str) -> Row:
    """Return the object on one line, JSON or a Python literal.

    Raises:
        InputError: the line is neither.
    """
    try:
        return parse_line(line, where)
    except InputError as error:
        swapped = _swapped(line)
        value = _evaluated(line) if swapped is None else swapped
        if not isinstance(value, dict):
            raise error from None
        return value


def _swapped(line: bytes) -> object:
    if b'"' in line or b"\\" in line:
        return None
    try:
        return orjson.loads(line.replace(b"'", b'"'))
    except orjson.JSONDecodeError:
        return None


def _evaluated(line: bytes) -> object:
    """Return a literal made of values that JSON has, else None."""
    if len(line) > _LONGEST or not _TOKENS.fullmatch(line):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that mean nothing
            value = ast.literal_eval(line.decode("utf-8").strip())
        orjson.dumps(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value

"""Where a server is, and the key to it: the address is checked and may be told, the key never is."""

import ipaddress
import os
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from genair.errors import UsageError

KEY_VARIABLE = "OPENAI_API_KEY"
_EXAMPLE = "http://127.0.0.1:8080/v1"


def check_url(url: str) -> str:
    """Return a server's address without a slash at its end.

    Raises:
        UsageError: it is none, or has a password or a query in it; the message does not repeat it.
    """
    try:
        parts = urlsplit(url.strip())
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        fine = False
    if not fine:
        raise UsageError(f"--base-url must be the address of a server, e.g. {_EXAMPLE}")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(
            "--base-url must have no user, password, ? or #: it is recorded in every line; the key comes from"
            f" {KEY_VARIABLE} or --api-key-file"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def endpoint_name(url: str) -> str:
    """Return what provenance calls a checked address: this machine's are all one, whatever their port."""
    return "localhost" if _is_loopback(urlsplit(url)) else url


def read_key(key_file: str) -> str:
    """Return the key in a file, else that of the environment; empty if there is none.

    Args:
        key_file: path of a file that holds the key and nothing else; empty for none.

    Raises:
        UsageError: the file cannot be read, or what is there cannot be a key.
    """
    source = f"--api-key-file {key_file}" if key_file else f"${KEY_VARIABLE}"
    try:
        key = Path(key_file).read_text("utf-8") if key_file else os.environ.get(KEY_VARIABLE, "")
    except UnicodeDecodeError:
        raise UsageError(f"{source}: not a key, which is one line of letters, digits and signs") from None
    except OSError as error:
        raise UsageError(f"{source}: {error.strerror}") from None
    key = key.strip()
    if (key_file and not key) or not all("!" <= character <= "~" for character in key):
        raise UsageError(f"{source}: not a key, which is one line of letters, digits and signs")
    return key


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""The Hugging Face cache on this disk, read as plain folders; and downloads, only when they are asked for.

A repository lies in `models--ORG--NAME`, with one folder a revision below `snapshots`. Models have the Hub's
names: `ORG/NAME`, and `ORG/NAME/FILE.gguf` for one GGUF file of several.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from genair.errors import GenairError, MissingExtraError, UsageError
from genair.llm.models.cache import at_home, user_cache
from genair.llm.models.parts import is_first_part, part_names

T = TypeVar("T")
_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(/[\w./-]+\.gguf)?", re.ASCII)
_WITH_WEIGHTS = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja", "README.md", "LICENSE*")


def hub_folder() -> Path:
    """Return where the Hugging Face tools keep what they downloaded."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if own := os.environ.get(name):
            return at_home(own)
    return at_home(os.environ.get("HF_HOME") or user_cache() / "huggingface") / "hub"


def is_hub_id(name: str) -> bool:
    """Return whether a name could be the Hub's: `ORG/NAME` or `ORG/NAME/FILE.gguf`."""
    return _ID.fullmatch(name) is not None


def split_id(name: str) -> tuple[str, str]:
    """Return the repository and the file of a hub id; the file is empty if none is named."""
    owner, repo, *rest = name.split("/")
    return f"{owner}/{repo}", "/".join(rest)


def snapshots() -> Iterator[tuple[str, Path]]:
    """Yield (`ORG/NAME`, folder) of every repository in the cache, by name."""
    for folder in sorted(hub_folder().glob("models--*--*")):
        name = folder.name.removeprefix("models--").replace("--", "/", 1)
        found = snapshot_of(name)
        if found is not None:
            yield name, found


def snapshot_of(repo: str) -> Path | None:
    """Return the folder of a repository's revision `main`, else of the newest one; None if there is none."""
    folder = hub_folder() / f"models--{repo.replace('/', '--')}"
    try:
        main = folder / "snapshots" / (folder / "refs" / "main").read_text().strip()
        if main.is_dir():
            return main
    except (OSError, ValueError):
        pass  # only named revisions were downloaded, or it is no text
    every = [path for path in (folder / "snapshots").glob("*") if path.is_dir()]
    return max(every, key=lambda path: path.stat().st_mtime, default=None)


def fetch_folder(repo: str) -> Path:
    """Download what transformers needs of a repository, and return its folder.

    Raises:
        GenairError: the Hub cannot be reached, or has no such repository.
        MissingExtraError: huggingface_hub is not installed.
    """
    hub = _client()
    return Path(_ask(repo, lambda: hub.snapshot_download(repo, allow_patterns=list(_WITH_WEIGHTS))))


def fetch_gguf(repo: str, file: str) -> Path:
    """Download a GGUF file with all its parts, and return the first part.

    Args:
        repo: `ORG/NAME`.
        file: its path in the repository; empty takes the only one there is.

    Raises:
        UsageError: the repository has several, or not this one.
        GenairError: the Hub cannot be reached, or has no such repository.
        MissingExtraError: huggingface_hub is not installed.
    """
    hub = _client()
    there: list[str] = _ask(repo, lambda: list(hub.HfApi().list_repo_files(repo)))
    first, *others = part_names(choose_gguf(repo, file, there))
    for part in others:
        _ask(repo, partial(hub.hf_hub_download, repo, part))
    return Path(_ask(repo, partial(hub.hf_hub_download, repo, first)))


def choose_gguf(repo: str, file: str, there: Sequence[str]) -> str:
    """Return the GGUF file of a repository that is meant: the named one, or the only one.

    Raises:
        UsageError: there are several, or not this one, or none at all.
    """
    files = sorted(name for name in there if name.endswith(".gguf") and is_first_part(name))
    if file:
        files = [name for name in files if name == part_names(file)[0]]
    match files:
        case [only]:
            return only
        case []:
            raise UsageError(f"{repo} has no GGUF file{f' {file}' if file else ''}")
    raise UsageError(
        f"{repo} has several GGUF files: name {', or '.join(f'{repo}/{name}' for name in files)}"
    )


def _client() -> ModuleType:
    try:
        import huggingface_hub
    except ImportError as error:
        raise MissingExtraError.of("huggingface_hub", "hub") from error
    return huggingface_hub


def _ask(repo: str, question: Callable[[], T]) -> T:
    """Return the Hub's answer; its library has many kinds of errors, and all mean the same here."""
    try:
        return question()
    except Exception as error:
        reason = next((line.strip() for line in str(error).split("\n") if line.strip()), type(error).__name__)
        raise GenairError(f"cannot download {repo} ({reason.rstrip('.')})") from error

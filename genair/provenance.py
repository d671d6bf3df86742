"""Who made a file, step by step.

Every writer adds one `Step` to those of its inputs; viewers add none. A step has no time, host or path in
it, so equal inputs and settings give equal bytes. Its id is a digest of the rest, so two files with the
same last id were made the same way.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

GENAIR_VERSION = version("genair")


@dataclass(frozen=True)
class Step:
    """One command's share in a file.

    Attributes:
        command: the stage, e.g. `embed`.
        settings: its settings, JSON values only.
        inputs: role of each input to the SHA-256 (hex) of its content.
        versions: package to version, of whatever shapes the numbers.
        previous: id of the step before, or None.
    """

    command: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, str]
    versions: Mapping[str, str]
    previous: str | None = None

    @property
    def id(self) -> str:
        """Return `command-` and 12 hex digits of the digest of all the rest."""
        return f"{self.command}-{digest_of(self._body())[:12]}"

    def _body(self) -> dict[str, Any]:
        return {
            "command": self.command,
            "settings": dict(self.settings),
            "inputs": dict(self.inputs),
            "versions": dict(self.versions),
            "previous": self.previous,
        }

    def to_json(self) -> str:
        """Return the step as one line of JSON with sorted keys."""
        return json.dumps({"id": self.id, **self._body()}, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Step":
        """Read back what `to_json` wrote.

        Raises:
            ValueError: it is no step, or its id is not the digest of the rest.
        """
        body = json.loads(text)
        if not isinstance(body, dict):
            raise ValueError("not a step")
        named = body.pop("id", None)
        try:
            step = cls(**body)
        except TypeError as error:
            raise ValueError("not a step") from error
        if step.id != named:
            raise ValueError(f"step {named} is not what was written")
        return step


def add_step(
    steps: Sequence[Step],
    command: str,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    packages: Sequence[str] = (),
) -> list[Step]:
    """Return `steps` with one more, which names the installed versions of genair and `packages`."""
    versions = versions_of(packages)
    previous = steps[-1].id if steps else None
    return [*steps, Step(command, settings, inputs, versions, previous)]


def digest_of(value: object) -> str:
    """Return the SHA-256 (hex) of a JSON value in canonical form."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def versions_of(packages: Sequence[str]) -> dict[str, str]:
    """Return the installed versions of genair and of `packages`."""
    return {"genair": GENAIR_VERSION, **{name: version(name) for name in packages}}


def is_calibration(step: Step) -> bool:
    """Return whether a step learned a calibrated space; `calibrate --apply` only maps more items into one."""
    return step.command == "calibrate" and "apply" not in step.settings


def archetype_step(made_by: Mapping[str, Any]) -> Step:
    """Return the step that the `_pg` of an archetype line stands for."""
    settings = {key: value for key, value in made_by.items() if key not in ("id", "versions")}
    versions = made_by.get("versions")
    return Step("archetype", settings, {}, versions if isinstance(versions, dict) else {})

"""Makes what must agree with the commands from the commands: completions and the reference pages.

`python -m genair_cli.generate FOLDER` writes `completions/` and `docs/commands/` below FOLDER; a test
compares them with what is committed.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from genair_cli.main import app

_COMPLETIONS = {"bash": "genair.bash", "zsh": "_genair", "fish": "genair.fish"}
_PAGE = """<!-- Made by `make completions` from the command's own help: do not edit. -->
# genair {name}

```text
{help}
```

Exit codes: [exit-codes.md](../exit-codes.md). Files: [formats.md](../formats.md).
"""


def command_names() -> list[str]:
    """Return every command in the order of the help."""
    return [str(command.name) for command in app.registered_commands]


def generated_files() -> Iterator[tuple[str, str]]:
    """Yield (path below the repository, content)."""
    for shell, name in _COMPLETIONS.items():
        yield f"completions/{name}", _genair(_GENAIR_COMPLETE=f"source_{shell}")
    for name in command_names():
        text = _genair(name, "--help").strip()
        yield f"docs/commands/{name}.md", _PAGE.format(name=name, help=text)


def _genair(*words: str, **variables: str) -> str:
    environment = {**os.environ, "COLUMNS": "100", "TERM": "dumb", **variables}
    code = "import sys; from genair_cli.main import main; sys.argv[0] = 'genair'; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=environment, capture_output=True, text=True, check=True
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip().split("\n")) + "\n"


def write_all(folder: Path) -> None:
    """Write every generated file below a folder."""
    for path, text in generated_files():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))

"""``syncflow init``: a working project in an empty folder."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from syncflow.cli.console import say

NEXT = {
    "syncflow validate": "check every file",
    "syncflow dry-run routes.yaml --events events.jsonl": "see what would be sent, and why",
    "syncflow mock": "serve mock systems, in another terminal",
    "syncflow run --limit 100": "send a hundred generated events there",
}


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to; it is made if it is not there.")] = Path(),
) -> None:
    """Write a working project: six contact types, two systems, and sample events. Overwrites nothing."""
    from syncflow.errors import ProjectError

    wanted = {folder / path: source for path, source in _template(files("syncflow.cli") / "project", "")}
    taken = sorted(str(path) for path in wanted if path.exists())
    if taken:
        raise ProjectError(
            f"nothing was written: {', '.join(taken)} {'is' if len(taken) == 1 else 'are'} there already",
            hint="choose an empty folder: syncflow init my-project",
        )
    try:
        for path, source in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.read_bytes())
    except OSError as error:
        raise ProjectError(f"cannot write {error.filename}: {error.strerror}") from error
    _report(folder, list(wanted))


def _template(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    """Yield every file of the template with its path in a project."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _template(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry


def _report(folder: Path, written: list[Path]) -> None:
    for path in written:
        say(f"wrote {path}")
    say()
    say("Next:")
    if folder != Path():
        say(f"  cd {folder}")
    for command, purpose in NEXT.items():
        say(f"  {command:<52}{purpose}")

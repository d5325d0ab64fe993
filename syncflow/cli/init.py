"""``syncflow init``: a working project in an empty folder."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from syncflow.cli.console import say
from syncflow.cli.schema import FOLDER, Kind, write_schemas

KINDS = {
    "routes.yaml": Kind.ROUTES,
    "mappings": Kind.MAPPING,
    "schemas": Kind.SCHEMA,
    "objects": Kind.OBJECT,
    "adapters": Kind.ADAPTER,
}
NEXT = {
    "syncflow validate": "check every file",
    "syncflow test": "run the examples that its files carry",
    "syncflow dry-run routes.yaml --events events.jsonl": "see what would be sent, and why",
    "syncflow mock": "serve mock systems, in another terminal",
    "syncflow run --limit 100": "send a hundred generated events there",
}


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder to write to; created if missing.")] = Path(),
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
            path.write_bytes(_line_for_editors(path.relative_to(folder)) + source.read_bytes())
    except OSError as error:
        raise ProjectError(f"cannot write {error.filename}: {error.strerror}") from error
    _report(folder, [*wanted, *write_schemas(folder / FOLDER)])


def _line_for_editors(path: Path) -> bytes:
    """Return the first line of a project's file: where editors find the schema of its kind; empty where it has none."""
    kind = KINDS.get(path.parts[0])
    if kind is None:
        return b""
    schema = Path(*[".."] * (len(path.parts) - 1), FOLDER, f"{kind}.json").as_posix()
    return f"# yaml-language-server: $schema={schema}\n".encode()


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

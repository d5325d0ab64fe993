"""``syncflow schema``: JSON Schemas of the kinds of file, for editors; the objects of systems, for ``validate``."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from syncflow.cli.console import say, say_block
from syncflow.cli.infer import infer
from syncflow.cli.pull import pull

app = typer.Typer(help="Schemas of files, objects and records.", no_args_is_help=True)
app.command("pull")(pull)
app.command("infer")(infer)

FOLDER = Path(".syncflow") / "schemas"
"""Where the lines that ``init`` writes for editors point to, from a project's folder."""


class Kind(StrEnum):
    """A kind of file."""

    ROUTES = "routes"
    MAPPING = "mapping"
    SCHEMA = "schema"
    OBJECT = "object"
    ADAPTER = "adapter"


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to; created if missing.")] = FOLDER,
    kind: Annotated[
        Kind | None, typer.Option(help="Print the schema of one type of file instead of writing all.")
    ] = None,
) -> None:
    """Write the JSON Schemas of all project files, for editors.

    With them an editor completes, explains and checks YAML files while you type.
    """
    if kind is not None:
        say_block(_text(kind).rstrip("\n"))
        return
    for path in write_schemas(folder):
        say(f"wrote {path}")


def write_schemas(folder: Path) -> list[Path]:
    """Write a file for each kind into a folder, over what is there.

    Raises:
        ProjectError: the folder cannot be written.
    """
    from syncflow.errors import ProjectError

    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _hide_from_git(folder)
        for kind in Kind:
            path = folder / f"{kind.value}.json"
            path.write_text(_text(kind), "utf-8")
            written.append(path)
    except OSError as error:
        raise ProjectError(f"cannot write {error.filename}: {error.strerror}") from error
    return written


def _hide_from_git(folder: Path) -> None:
    """The folder that syncflow keeps to itself, with the journal in it, belongs in no repository; it may be made here first."""
    mark = folder.parent / ".gitignore"
    if folder.parts[-2:] == FOLDER.parts and not mark.exists():
        mark.write_text("*\n", "utf-8")


def _text(kind: Kind) -> str:
    from syncflow.config.file_schemas import file_schema

    return json.dumps(file_schema(kind.value), ensure_ascii=False, indent=1) + "\n"

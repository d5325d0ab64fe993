"""``syncflow adapters``: which APIs are spoken, and how."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from syncflow.cli.console import Output, OutputOption, say, say_json, say_table

app = typer.Typer(help="Adapters: the descriptions of APIs, in YAML.", no_args_is_help=True)


@app.command("list")
def list_(output: OutputOption = Output.TEXT) -> None:
    """List the adapters of this project (adapters/) and those that come with syncflow."""
    found = [(name, where, _text(file, "description")) for name, (where, file) in sorted(_files().items())]
    if output is Output.JSON:
        say_json([dict(zip(("name", "where", "description"), row, strict=True)) for row in found])
    else:
        say_table(("ADAPTER", "WHERE", "WHAT IT SPEAKS TO"), found)


@app.command("show")
def show(name: Annotated[str, typer.Argument(help="As `syncflow adapters list` shows it.")]) -> None:
    """Print an adapter's file: copy it to adapters/ to change it."""
    from syncflow.config.diagnostics import did_you_mean
    from syncflow.errors import DataError

    known = _files()
    if name not in known:
        close = did_you_mean(name, known)
        hint = f"did you mean {close!r}?" if close else "`syncflow adapters list` shows them all"
        raise DataError(f"there is no adapter {name!r}", hint=hint)
    say(known[name][1].read_text("utf-8").rstrip("\n"))


def _files() -> dict[str, tuple[str, Any]]:
    """name → where it is from, and its file; the project's own come first."""
    return {**dict(_shipped()), **dict(_own(Path("adapters")))}


def _shipped() -> Iterator[tuple[str, tuple[str, Any]]]:
    from importlib.resources import files

    for file in files("syncflow.adapters").iterdir():
        if file.name.endswith(".yaml"):
            yield file.name.removesuffix(".yaml"), ("syncflow", file)


def _own(folder: Path) -> Iterator[tuple[str, tuple[str, Any]]]:
    for file in [*folder.glob("*.yaml"), *folder.glob("*.yml")]:
        yield file.stem, (str(file), file)


def _text(file: Any, key: str) -> str:
    """Return one text of an adapter's top level; empty where the file does not say it."""
    from syncflow.config.yaml import read_text

    node, _, _ = read_text(file.read_bytes(), name=file.name)
    value = node.data().get(key, "") if node is not None else ""
    return str(value)

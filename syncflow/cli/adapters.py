"""``syncflow adapters``: which APIs are spoken, and how."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncflow.cli.console import Output, OutputOption, say, say_json, say_table

if TYPE_CHECKING:
    from syncflow.config.documents import Document
    from syncflow.config.models.adapter import AdapterFile

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
    say(_known(name).read_text("utf-8").rstrip("\n"))


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="An adapter's name, or its file.")],
    output: OutputOption = Output.TEXT,
) -> None:
    """Put an adapter through its tests, and against a fake server that misbehaves in every way."""
    from syncflow.testing.conformance import check_conformance

    checks = check_conformance(_document(name))
    broken = [check for check in checks if check.problems]
    if output is Output.JSON:
        say_json([{"law": check.law, "good": not check.problems, "problems": list(check.problems)} for check in checks])
    else:
        for check in checks:
            say(f"{'broken' if check.problems else 'good':<7} {check.law}")
            for problem in check.problems:
                say(f"        {problem}")
        say(f"{len(checks)} checks, {len(broken)} broken")
    if broken:
        raise typer.Exit(1)


def _document(name: str) -> Document[AdapterFile]:
    from syncflow.config.files import Files
    from syncflow.config.models.adapter import AdapterFile
    from syncflow.errors import ProjectError

    path = Path(name) if Path(name).suffix in {".yaml", ".yml"} else Path(str(_known(name)))
    files = Files({}, offline=True)
    document = files.document(AdapterFile, path)
    if document is None:
        raise ProjectError(f"the adapter {name} cannot be read", diagnostics=files.diagnostics)
    return document


def _known(name: str) -> Any:
    from syncflow.config.diagnostics import did_you_mean
    from syncflow.errors import DataError

    known = _files()
    if name not in known:
        close = did_you_mean(name, known)
        hint = f"did you mean {close!r}?" if close else "`syncflow adapters list` shows them all"
        raise DataError(f"there is no adapter {name!r}", hint=hint)
    return known[name][1]


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

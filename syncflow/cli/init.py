"""``syncflow init``: a working project in an empty folder, one of several to begin with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from syncflow.cli import completion
from syncflow.cli.console import say, say_table
from syncflow.cli.schema import FOLDER, Kind, write_schemas

KINDS = {
    "routes.yaml": Kind.ROUTES,
    "mappings": Kind.MAPPING,
    "schemas": Kind.SCHEMA,
    "objects": Kind.OBJECT,
    "adapters": Kind.ADAPTER,
}
_CHECKS = {"syncflow validate": "check every file", "syncflow test": "run the examples that its files carry"}


class Template(NamedTuple):
    """A project to begin with: where its files are in the package, and what one does next."""

    summary: str
    folder: str
    next: Mapping[str, str]


TEMPLATES = {
    "contacts": Template(
        "contacts of six types to two CRMs (the default)",
        "project",
        {
            "syncflow dry-run routes.yaml --events events.jsonl": "see what would be sent, and why",
            "syncflow mock": "serve mock systems, in another terminal",
            "syncflow run --limit 100": "send a hundred generated events there",
        },
    ),
    "csv": Template(
        "a CSV file of customers to one CRM",
        "templates/csv",
        {
            "syncflow dry-run": "see what would be sent of customers.csv, and why",
            "syncflow mock": "serve a mock CRM, in another terminal",
            "syncflow run": "send the file there",
        },
    ),
    "webhook": Template(
        "what is posted to this process to an API",
        "templates/webhook",
        {
            "syncflow adapters check api": "try the adapter against a server that misbehaves",
            "WEBHOOK_TOKEN=… API_TOKEN=… API_URL=… syncflow run": "listen on 127.0.0.1:8080",
        },
    ),
    "api": Template(
        "orders with their lines to an API of your own, with its adapter",
        "templates/api",
        {
            "syncflow dry-run": "see what would be sent of orders.jsonl, and why",
            "syncflow adapters check shop": "try the adapter against a server that misbehaves",
            "SHOP_TOKEN=… SHOP_URL=… syncflow run": "send the file there",
        },
    ),
}
DEFAULT = "contacts"
_SHOWN = 3


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to; created if missing.")] = Path(),
    template: Annotated[
        str,
        typer.Option(
            "--template",
            "-t",
            metavar="NAME",
            help="Template to write, from --list.",
            autocompletion=completion.templates,
        ),
    ] = DEFAULT,
    list_: Annotated[bool, typer.Option("--list", help="List the templates and write nothing.")] = False,
) -> None:
    """Write a working project to start from.

    By default contacts to two CRMs; --list shows the other templates. Existing files are never overwritten.
    """
    if list_:
        say_table(("TEMPLATE", "WHAT IT DOES"), [(name, each.summary) for name, each in TEMPLATES.items()])
        return
    chosen = _chosen(template)
    wanted = {folder / path: source for path, source in _template(files("syncflow.cli") / chosen.folder, "")}
    _write(folder, wanted)
    _report(folder, [*wanted, *write_schemas(folder / FOLDER)], chosen)


def _chosen(name: str) -> Template:
    from syncflow.config.diagnostics import did_you_mean
    from syncflow.errors import DataError

    if name not in TEMPLATES:
        close = did_you_mean(name, TEMPLATES)
        hint = f"did you mean {close!r}?" if close else "`syncflow init --list` shows them all"
        raise DataError(f"there is no template {name!r}", hint=hint)
    return TEMPLATES[name]


def _write(folder: Path, wanted: Mapping[Path, Traversable]) -> None:
    from syncflow.errors import ProjectError

    taken = sorted(str(path) for path in wanted if path.exists())
    if taken:
        raise ProjectError(
            f"nothing was written: {_listed(taken)} {'is' if len(taken) == 1 else 'are'} there already",
            hint="choose an empty folder: syncflow init my-project",
        )
    try:
        for path, source in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_line_for_editors(path.relative_to(folder)) + source.read_bytes())
    except OSError as error:
        raise ProjectError(f"cannot write {error.filename}: {error.strerror}") from error


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


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


def _report(folder: Path, written: list[Path], template: Template) -> None:
    for path in written:
        say(f"wrote {path}")
    say()
    say(
        f"Editors check these files by {FOLDER}, which git ignores: after a clone, `syncflow schema export` writes it again."
    )
    say()
    say("Next:")
    if folder != Path():
        say(f"  cd {folder}")
    for command, purpose in {**_CHECKS, **template.next}.items():
        say(f"  {command:<52}{purpose}")

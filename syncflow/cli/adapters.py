"""``syncflow adapters``: which APIs are spoken, and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncflow.cli import completion
from syncflow.cli.console import (
    DEFAULT_ROUTES,
    Output,
    OutputOption,
    ProfileOption,
    counted,
    say,
    say_block,
    say_json,
    say_table,
)
from syncflow.cli.status import RoutesOption

if TYPE_CHECKING:
    from syncflow.config.documents import Document
    from syncflow.config.models.adapter import AdapterFile
    from syncflow.testing.operation_trial import Check

_ENDINGS = {".yaml", ".yml"}
app = typer.Typer(help="Adapters: descriptions of APIs in YAML.", no_args_is_help=True)


@app.command("list")
def list_(output: OutputOption = Output.TEXT) -> None:
    """List the adapters of the project and of syncflow."""
    found = [(name, where, _text(file, "description")) for name, (where, file) in sorted(_files().items())]
    if output is Output.JSON:
        say_json({"adapters": [dict(zip(("name", "where", "description"), row, strict=True)) for row in found]})
    else:
        say_table(("ADAPTER", "WHERE", "WHAT IT SPEAKS TO"), found)


@app.command("show")
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Name of an adapter, from `syncflow adapters list`.",
            autocompletion=completion.adapters,
        ),
    ],
) -> None:
    """Print the file of an adapter.

    To change it, save it in the project's folder adapters/.
    """
    say_block(_known(name).read_text("utf-8").rstrip("\n"))


@app.command("check")
def check(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|FILE",
            help="Name or file of an adapter, or a routes file that contains adapters.",
            autocompletion=completion.adapters,
        ),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Check the adapter of this system.", autocompletion=completion.systems),
    ] = None,
    routes: RoutesOption = DEFAULT_ROUTES,
    profile: ProfileOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Run an adapter's tests, and try it against a fake server.

    The server gives good and bad answers. Exits with 1 if a check fails.
    """
    from syncflow.testing.conformance import check_conformance

    if (name is None) == (system is None):
        raise typer.BadParameter("name an adapter, its file, or with --system a system of the project")
    documents = (
        [_document(name)] if name and not _is_routes(name) else _of_project(Path(name or routes), system, profile)
    )
    checks = {document.model.adapter: check_conformance(document) for document in documents}
    if output is Output.JSON:
        say_json({"checks": [_row(adapter, check) for adapter, own in checks.items() for check in own]})
    else:
        _say_checks(checks)
    if any(check.problems for own in checks.values() for check in own):
        raise typer.Exit(1)


def _row(adapter: str, check: Check) -> dict[str, object]:
    return {"adapter": adapter, "law": check.law, "good": not check.problems, "problems": list(check.problems)}


def _say_checks(checks: Mapping[str, Sequence[Check]]) -> None:
    for adapter, own in checks.items():
        for check in own:
            say(f"{'broken' if check.problems else 'good':<7} {f'{adapter}: ' if len(checks) > 1 else ''}{check.law}")
            for problem in check.problems:
                say_block(indent(problem, " " * 8))
    every = [check for own in checks.values() for check in own]
    say(f"{counted(len(every), 'check')}, {sum(1 for check in every if check.problems)} broken")


def _is_routes(name: str) -> bool:
    """Tell a routes file from an adapter's: it has systems."""
    return Path(name).suffix in _ENDINGS and Path(name).is_file() and _has(Path(name), "systems")


def _of_project(path: Path, system: str | None, profile: str | None) -> list[Document[AdapterFile]]:
    """Return the adapter of a system, else those that stand in the routes file itself."""
    from syncflow.config.diagnostics import one_of
    from syncflow.config.project import load_project
    from syncflow.errors import DataError

    project = load_project(path, profile=profile, offline=True)
    systems = project.routes.model.systems
    if system is not None and system not in systems:
        raise DataError(f"there is no system {system!r}; expected {one_of(list(systems))}")
    if system is not None:
        return [project.adapters[systems[system].adapter]]
    found = [document for document in project.adapters.values() if document.path == project.path]
    if not found:
        raise DataError(
            f"no adapter stands in {path}", hint="name an adapter, or with --system a system of the project"
        )
    return found


def _document(name: str) -> Document[AdapterFile]:
    from syncflow.config.files import Files
    from syncflow.config.models.adapter import AdapterFile
    from syncflow.errors import ProjectError

    path = Path(name) if Path(name).suffix in _ENDINGS else Path(str(_known(name)))
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


def known_adapters() -> list[str]:
    """Return the names of the adapters of this project, of syncflow and of other packages."""
    return list(_files())


def _files() -> dict[str, tuple[str, Any]]:
    """name → where it is from, and its file; the project's own come first, then syncflow's."""
    return {**dict(_of_packages()), **dict(_shipped()), **dict(_own(Path("adapters")))}


def _of_packages() -> Iterator[tuple[str, tuple[str, Any]]]:
    from syncflow.config.models.packages import folders_of_adapters

    for folder, package in reversed([*folders_of_adapters().items()]):
        for file in folder.glob("*.yaml"):
            yield file.stem, (package, file)


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
    return str(_top(file).get(key, ""))


def _has(file: Any, key: str) -> bool:
    return key in _top(file)


def _top(file: Any) -> Mapping[str, Any]:
    """Return the top level of a file; empty where it has none."""
    from syncflow.config.yaml import read_text

    node, _, _ = read_text(file.read_bytes(), name=file.name)
    data = node.data() if node is not None else None
    return data if isinstance(data, dict) else {}

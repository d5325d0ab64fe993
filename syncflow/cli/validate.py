"""``syncflow validate``: every problem of every file, in one go; no secrets, no network."""

from __future__ import annotations

import gc
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from syncflow.cli import completion
from syncflow.cli.console import DEFAULT_ROUTES, RoutesArgument, say, say_block, say_json

if TYPE_CHECKING:
    from syncflow.config.diagnostics import Diagnostic
    from syncflow.config.render import Format


class Style(StrEnum):
    """How problems are shown."""

    TEXT = "text"
    CONCISE = "concise"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


_FORMATS: dict[Style, Format] = {
    Style.TEXT: "text",
    Style.CONCISE: "concise",
    Style.GITHUB: "github",
    Style.SARIF: "sarif",
}


def validate(
    routes: RoutesArgument = DEFAULT_ROUTES,
    output: Annotated[Style, typer.Option("--output", "-o", help="Output format.")] = Style.TEXT,
    strict: Annotated[bool, typer.Option("--strict", help="Treat warnings as errors.")] = False,
    explain: Annotated[
        str | None, typer.Option(metavar="CODE", help="Explain a code, such as SF210.", autocompletion=completion.codes)
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            "-p",
            metavar="NAME",
            help="Check only this profile. Default: every profile.",
            autocompletion=completion.profiles,
        ),
    ] = None,
    online: Annotated[
        bool, typer.Option("--online", help="Also compare object files with the systems themselves.")
    ] = False,
) -> None:
    """Check the project's files: YAML, names, types, expressions.

    Checks every profile. Needs no secrets and no network, except with --online.
    """
    if explain is not None:
        _explain(explain)
        return
    found = _problems(routes, profile)
    if online and not any(diagnostic.is_error for diagnostic in found):
        found = [*found, *_drift(routes, profile)]
    errors = sum(diagnostic.is_error for diagnostic in found)
    _show(found, output, routes)
    if errors or (strict and found):
        raise typer.Exit(1)


def _problems(routes: Path, profile: str | None) -> list[Diagnostic]:
    gc.disable()  # a project is read once and kept: to look through it for garbage is a seventh of the time
    try:
        from syncflow.compiler.every_profile import check_every_profile
        from syncflow.compiler.problems import check
        from syncflow.config.project import survey_project

        if profile is None:
            return check_every_profile(routes)
        return survey_project(routes, profile=profile, offline=True).checked_by(check)
    finally:
        gc.enable()


def _drift(routes: Path, profile: str | None) -> list[Diagnostic]:
    import asyncio

    from syncflow.config.project import load_project
    from syncflow.runtime.drift import find_drift
    from syncflow.runtime.query_drift import find_query_drift

    async def found() -> list[Diagnostic]:
        project = load_project(routes, profile=profile)
        return [*await find_query_drift(project), *await find_drift(project)]

    return asyncio.run(found())


def _show(found: list[Diagnostic], output: Style, routes: Path) -> None:
    from syncflow.config.render import as_json, render

    if output is Style.JSON:
        say_json({"diagnostics": [as_json(diagnostic) for diagnostic in found]})
        return
    text = render(found, _FORMATS[output])
    if text:
        say_block(text)
    if output is Style.TEXT:
        if text:
            say()
        say(_summary(found, routes))


def _summary(found: list[Diagnostic], routes: Path) -> str:
    from syncflow.config.render import summary

    return f"{routes}: {summary(found)}"


def _explain(code: str) -> None:
    from syncflow.config.codes import CODES, page
    from syncflow.config.diagnostics import did_you_mean
    from syncflow.errors import DataError

    wanted = code.upper()
    if wanted not in CODES:
        close = did_you_mean(wanted, CODES)
        raise DataError(
            f"there is no code {code}", hint=f"did you mean {close}?" if close else "a code looks like SF210"
        )
    say_block(page(wanted))

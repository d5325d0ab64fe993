"""``syncflow functions``: what expressions may call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncflow.cli import completion
from syncflow.cli.console import DEFAULT_ROUTES, Output, OutputOption, say_block, say_json, say_table

if TYPE_CHECKING:
    from syncflow.compiler.functions import Function, JMESPathFunction, Library

RoutesOption = Annotated[
    Path | None,
    typer.Option(
        "--routes", metavar="FILE", help="Project whose own functions are included. Default: routes.yaml, if present."
    ),
]


def functions(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Function to describe. Default: list all.", autocompletion=completion.functions
        ),
    ] = None,
    routes: RoutesOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List the functions for expressions, or describe one.

    Includes the project's own functions.
    """
    from syncflow.compiler.functions import JMESPATH_FUNCTIONS

    library = _library(routes)
    if name is not None:
        _describe(library, name, output)
        return
    rows = [(function.name, function.group, function.summary) for function in library.values()]
    rows += [(own.name, "jmespath", own.summary) for own in JMESPATH_FUNCTIONS.values() if own.name not in library]
    if output is Output.JSON:
        say_json({"functions": [dict(zip(("name", "group", "summary"), row, strict=True)) for row in rows]})
    else:
        say_table(("FUNCTION", "GROUP", "WHAT IT GIVES"), rows)


def _library(routes: Path | None) -> Library:
    """Return what there is for a project, even a broken one; without a project what there is for all."""
    from syncflow.compiler.functions import FUNCTIONS
    from syncflow.compiler.functions.own import own_functions
    from syncflow.config.project import survey_project
    from syncflow.errors import ProjectError

    if routes is None and not DEFAULT_ROUTES.is_file():
        return FUNCTIONS
    survey = survey_project(routes or DEFAULT_ROUTES, offline=True)
    project = survey.project or survey.sound
    if project is None:
        return FUNCTIONS
    own = own_functions(project)
    if own.problems:
        raise ProjectError(own.problems[0].message, diagnostics=list(own.problems))
    return own.library


def _describe(library: Library, name: str, output: Output) -> None:
    from syncflow.compiler.functions import JMESPATH_FUNCTIONS
    from syncflow.compiler.functions.describe import render_function, signature
    from syncflow.config.diagnostics import did_you_mean
    from syncflow.errors import DataError

    if name not in library and name in JMESPATH_FUNCTIONS:
        _describe_own(JMESPATH_FUNCTIONS[name], output)
        return
    if name not in library:
        close = did_you_mean(name, [*library, *JMESPATH_FUNCTIONS])
        raise DataError(
            f"there is no function {name!r}",
            hint=f"did you mean {close!r}?" if close else "`syncflow functions` lists them all",
        )
    if output is Output.JSON:
        say_json({"signature": signature(library[name]), **_plain(library[name])})
    else:
        say_block(render_function(library[name]))


def _describe_own(own: JMESPathFunction, output: Output) -> None:
    from syncflow.compiler.functions.describe import render_jmespath_function

    if output is Output.JSON:
        say_json({"signature": own.signature, "name": own.name, "group": "jmespath", "summary": own.summary})
    else:
        say_block(render_jmespath_function(own))


def _plain(function: Function) -> dict[str, Any]:
    parameters = [
        {"name": parameter.name, "summary": parameter.summary, "optional": parameter.optional}
        for parameter in function.parameters
    ]
    return {
        "name": function.name,
        "group": function.group,
        "summary": function.summary,
        "parameters": parameters,
        "may_fail": function.may_fail,
    }

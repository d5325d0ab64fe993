"""``syncflow functions``: what expressions may call."""

from __future__ import annotations

from typing import Annotated

import typer

from syncflow.cli.console import Output, OutputOption, say, say_json, say_table


def functions(
    name: Annotated[str | None, typer.Argument(help="The function to describe; without it all are listed.")] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List the functions that expressions may call, or describe one."""
    from syncflow.compiler.functions import FUNCTIONS

    if name is None:
        rows = [(function.name, function.group, function.summary) for function in FUNCTIONS.values()]
        if output is Output.JSON:
            say_json([dict(zip(("name", "group", "summary"), row, strict=True)) for row in rows])
        else:
            say_table(("FUNCTION", "GROUP", "WHAT IT GIVES"), rows)
        return
    _describe(name, output)


def _describe(name: str, output: Output) -> None:
    from syncflow.compiler.functions import FUNCTIONS
    from syncflow.compiler.functions.describe import render_function
    from syncflow.config.diagnostics import did_you_mean
    from syncflow.errors import DataError

    if name not in FUNCTIONS:
        close = did_you_mean(name, FUNCTIONS)
        raise DataError(
            f"there is no function {name!r}",
            hint=f"did you mean {close!r}?" if close else "`syncflow functions` lists them all",
        )
    if output is Output.JSON:
        function = FUNCTIONS[name]
        parameters = [
            {"name": parameter.name, "summary": parameter.summary, "optional": parameter.optional}
            for parameter in function.parameters
        ]
        say_json({"name": name, "group": function.group, "summary": function.summary, "parameters": parameters})
    else:
        say(render_function(name))

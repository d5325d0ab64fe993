"""Which commands there are, and the command line built of them: all, or only the one that was asked for.

To import every command and to build its options takes longer than many commands run, so that a command given by its full name is built
alone. All others (help, completion, a wrong name, ``docs``) get the whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from syncflow import __version__
from syncflow.cli.command import ENV_FILE_VARIABLE, Command, epilog_of

COMMANDS = {
    "init": "init.init",
    "validate": "validate.validate",
    "dry-run": "dry_run.dry_run",
    "explain": "explain.explain",
    "plan": "plan.plan",
    "test": "test.run_all",
    "check": "check.check",
    "auth": "auth.auth",
    "run": "run.run",
    "console": "console_page.console",
    "status": "status.status",
    "pause": "pause.pause",
    "resume": "pause.resume",
    "replay": "replay.replay",
    "export": "export.export",
    "mock": "mock.mock",
    "functions": "functions.functions",
    "docs": "docs.docs",
}
"""Name → module and function."""
GROUPS = {
    "dlq": "dead_letters.app",
    "alerts": "alerts.app",
    "journal": "journal.app",
    "adapters": "adapters.app",
    "schema": "schema.app",
}
"""Name → module and application."""

_SEES_ALL = "docs"
"""The command that describes the others."""


def command_line(arguments: Sequence[str] = ()) -> typer.Typer:
    """Return the command line with what ``arguments`` call; without a command's full name in them, with everything."""
    words = _words(arguments)
    name = next(words, "")
    alone = name in {*COMMANDS, *GROUPS} and name != _SEES_ALL and not _completes()
    app = _without_commands()
    for each in [name] if alone and name in COMMANDS else [] if alone else COMMANDS:
        app.command(each, cls=Command, epilog=epilog_of(each))(_command(each))
    for each in [name] if alone and name in GROUPS else [] if alone else GROUPS:
        app.add_typer(group(each, next(words, "") if alone else ""), name=each, epilog=epilog_of(each))
    return app


def group(name: str, only: str = "") -> typer.Typer:
    """Return a group of commands; with ``only`` the one of this name, if there is one."""
    whole: typer.Typer = _loaded(GROUPS[name])
    for each in whole.registered_commands:
        each.cls, each.epilog = Command, epilog_of(f"{name} {each.name}")
    found = [each for each in whole.registered_commands if each.name == only]
    if not found:
        return whole
    part = copy(whole)
    part.registered_commands = found
    return part


def _command(name: str) -> Callable[..., None]:
    command: Callable[..., None] = _loaded(COMMANDS[name])
    return command


def _loaded(place: str) -> Any:
    module, _, name = place.partition(".")
    return getattr(import_module(f"syncflow.cli.{module}"), name)


def _words(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the words of a command line up to the first option that is not understood here."""
    rest = iter(arguments)
    for word in rest:
        if word == "--env-file":
            next(rest, None)
        elif not word.startswith("--env-file="):
            if word.startswith("-"):
                return
            yield word


def _completes() -> bool:
    return "_SYNCFLOW_COMPLETE" in os.environ


def _without_commands() -> typer.Typer:
    app = typer.Typer(
        name="syncflow",
        help="Keep external systems in sync with a stream of record changes, configured in YAML.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"syncflow {__version__}")
        raise typer.Exit


def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
    env_file: Annotated[
        Path | None,
        typer.Option(
            "--env-file",
            metavar="FILE",
            help="File of variables to read instead of .env beside the routes file. Variables of the environment win.",
        ),
    ] = None,
) -> None:
    """What all commands share: the version, and where variables are read from."""
    if env_file is not None:
        os.environ[ENV_FILE_VARIABLE] = str(env_file)

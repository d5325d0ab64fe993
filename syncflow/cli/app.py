"""The command line as a whole: which commands there are, and what becomes of an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from syncflow import __version__
from syncflow.cli import (
    adapters,
    check,
    dead_letters,
    docs,
    dry_run,
    explain,
    functions,
    init,
    journal,
    mock,
    replay,
    run,
    schema,
    status,
    test,
    validate,
)
from syncflow.cli.command import Command, epilog_of
from syncflow.cli.console import complain, complain_of_bug
from syncflow.errors import SyncflowError

app = typer.Typer(
    name="syncflow",
    help="Keep external systems in sync with a stream of record changes, configured in YAML.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"syncflow {__version__}")
        raise typer.Exit


@app.callback()
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
        os.environ["SYNCFLOW_ENV_FILE"] = str(env_file)


COMMANDS: dict[str, Callable[..., None]] = {
    "init": init.init,
    "validate": validate.validate,
    "dry-run": dry_run.dry_run,
    "explain": explain.explain,
    "test": test.run_all,
    "check": check.check,
    "run": run.run,
    "status": status.status,
    "replay": replay.replay,
    "mock": mock.mock,
    "functions": functions.functions,
    "docs": docs.docs,
}
GROUPS = {"dlq": dead_letters.app, "journal": journal.app, "adapters": adapters.app, "schema": schema.app}
for name, command in COMMANDS.items():
    app.command(name, cls=Command, epilog=epilog_of(name))(command)
for name, group in GROUPS.items():
    for each in group.registered_commands:
        each.cls, each.epilog = Command, epilog_of(f"{name} {each.name}")
    app.add_typer(group, name=name, epilog=epilog_of(name))


def run_command_line(arguments: Sequence[str] | None = None) -> None:
    """Run a command (that of the process, without ``arguments``) and exit with its code.

    A user's mistake ends in words and an exit code, never in a traceback.
    """
    try:
        app(args=None if arguments is None else list(arguments), prog_name="syncflow")
    except SyncflowError as error:
        complain(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`); nothing more can be said, not even by the interpreter's own flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:  # noqa: BLE001  # the process's top: nothing above would say it without an event's words
        complain_of_bug(error)
        sys.exit(1)

"""The command line as a process: it runs one command, and knows what becomes of an error."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from syncflow.cli.commands import command_line
from syncflow.cli.console import complain, complain_of_bug, remark
from syncflow.cli.streams import OutputError, give_up, watched_streams
from syncflow.errors import SyncflowError


def run_command_line(arguments: Sequence[str] | None = None) -> None:
    """Run a command (that of the process, without ``arguments``) and exit with its code.

    A user's mistake ends in words and an exit code, never in a traceback.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    with watched_streams():
        _run(given)


def _run(given: list[str]) -> None:
    try:
        command_line(given)(args=given, prog_name="syncflow")
        sys.stdout.flush()
    except SyncflowError as error:
        complain(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except OutputError as error:
        give_up(sys.stdout)
        if not error.has_gone:
            remark(f"error: standard output takes no more: {error.words}")
        sys.exit(128 + signal.SIGPIPE if error.has_gone else 1)
    except Exception as error:  # noqa: BLE001  # the process's top: nothing above would say it without an event's words
        complain_of_bug(error)
        sys.exit(1)

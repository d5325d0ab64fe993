"""The command line as a process: it runs one command, and knows what becomes of an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from syncflow.cli.commands import command_line
from syncflow.cli.console import complain, complain_of_bug
from syncflow.errors import SyncflowError


def run_command_line(arguments: Sequence[str] | None = None) -> None:
    """Run a command (that of the process, without ``arguments``) and exit with its code.

    A user's mistake ends in words and an exit code, never in a traceback.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        command_line(given)(args=given, prog_name="syncflow")
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

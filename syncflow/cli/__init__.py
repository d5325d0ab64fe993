"""The commands: they read options, call the layers below, format what comes back and pick the exit code. They decide nothing else."""

from __future__ import annotations


def main() -> None:
    """Run the command line; does not return."""
    import atexit
    import gc
    import os

    _fill_closed_streams()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # to look for them reads all installed packages
    gc.disable()  # what imports make stays: to look through it for garbage is a tenth of the time of a short command
    from syncflow.cli.app import run_command_line

    gc.freeze()
    gc.enable()
    atexit.register(gc.freeze)  # the process ends: to look through all that it had is another tenth
    run_command_line()


def _fill_closed_streams() -> None:
    """Let a standard stream that was closed lead nowhere: else a journal or a socket would take its number, and output its way."""
    import os
    import sys

    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123  # for as long as the process lives

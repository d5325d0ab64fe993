"""The commands: they read options, call the layers below, format what comes back and pick the exit code. They decide nothing else."""

from __future__ import annotations


def main() -> None:
    """Run the command line; does not return."""
    import gc

    gc.disable()  # what imports make stays: to look through it for garbage is a tenth of the time of a short command
    from syncflow.cli.app import run_command_line

    gc.enable()
    run_command_line()

"""The commands: they read options, call the layers below, format what comes back and pick the exit code. They decide nothing else."""

from __future__ import annotations


def main() -> None:
    """Run the command line; does not return."""
    from syncflow.cli.app import run_command_line

    run_command_line()

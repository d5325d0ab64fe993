"""The class of every command: its routes file is named by position or by ``--routes``, and its help reads the same for all of them.

Help is wrapped by the command line's library; names of arguments are written as they are in every manual: ``NAME`` where one is
needed, ``[NAME]`` where it may be left out, without a type. It ends with examples.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand

from syncflow.cli.examples import EXAMPLES

_OPTION = "--routes"
_ENV_FILE = "--env-file"
ENV_FILE_VARIABLE = "SYNCFLOW_ENV_FILE"


class Command(TyperCommand):
    """A command of syncflow."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read ``--routes FILE`` as the file's position, where the command takes it by position."""
        args = without_env_file(args)
        if any(each.name == "routes" and _is_argument(each) for each in self.params):
            args = by_position(args)
        try:
            parsed: list[str] = super().parse_args(ctx, args)
        except typer.BadParameter as error:
            error.message = in_plain_words(error.message)
            raise
        return parsed

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line after the command's name."""
        arguments = [_usage(each) for each in self.get_params(ctx) if _is_argument(each)]
        return [self.options_metavar or "", *arguments]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write a list of the arguments and one of the options."""
        for title, is_argument in (("Arguments", True), ("Options", False)):
            params = [each for each in self.get_params(ctx) if _is_argument(each) == is_argument]
            records = [record for each in params if (record := help_record(each, ctx)) is not None]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def help_record(param: Any, ctx: Any) -> tuple[str, str] | None:
    """Return how the help spells an argument or an option, and what it says of it; None of a hidden one."""
    record: tuple[str, str] | None = param.get_help_record(ctx)
    return (_name(param), record[1]) if record is not None and _is_argument(param) else record


def _is_argument(param: Any) -> bool:
    return bool(param.param_type_name == "argument")


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _usage(argument: Any) -> str:
    shown = _name(argument) if argument.required else f"[{_name(argument)}]"
    return shown if argument.nargs == 1 else f"{shown}..."


def by_position(arguments: Sequence[str]) -> list[str]:
    """Return arguments with the value of ``--routes`` at the end, where it stands by position."""
    rest, files = _apart(arguments, _OPTION)
    return [*rest, *files]


def without_env_file(arguments: Sequence[str]) -> list[str]:
    """Return arguments without ``--env-file FILE``, which is an option of all commands, and remember the file."""
    rest, files = _apart(arguments, _ENV_FILE)
    if files:
        os.environ[ENV_FILE_VARIABLE] = files[-1]
    return rest


def _apart(arguments: Sequence[str], option: str) -> tuple[list[str], list[str]]:
    """Return the arguments without an option that names a file, and the files that it names."""
    rest, files = list[str](), list[str]()
    waiting = iter(arguments)
    for one in waiting:
        if one == "--":
            rest += [one, *waiting]
        elif one == option:
            value = next(waiting, None)
            if value is None:
                raise typer.BadParameter(f"{option} needs a file")
            files.append(value)
        elif one.startswith(f"{option}="):
            files.append(one.partition("=")[2])
        else:
            rest.append(one)
    return rest, files


_LIBRARY_WORDS = (
    (re.compile(r"^Value error, "), ""),
    (re.compile(r"^Input should be a valid integer\b.*"), "expected a whole number"),
    (re.compile(r"^Input should be a valid number\b.*"), "expected a number"),
    (re.compile(r"^Input should be greater than or equal to (\S+)"), r"expected \1 or more"),
    (re.compile(r"^Input should be less than or equal to (\S+)"), r"expected \1 or less"),
)


def in_plain_words(message: str) -> str:
    """Return the refusal of an option's value without the words of the library that found it."""
    for library, plain in _LIBRARY_WORDS:
        message = library.sub(plain, message)
    return message


def epilog_of(name: str) -> str | None:
    """Return the end of a command's help: its examples, as they are typed."""
    lines = EXAMPLES.get(name)
    return None if lines is None else "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])

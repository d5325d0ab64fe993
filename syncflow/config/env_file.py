"""Variables from a file: ``.env`` beside the project's routes file, or the one that ``SYNCFLOW_ENV_FILE`` names.

What the process's own environment says wins over the file, so that a deployment overrides what a developer keeps. The file is read
anew at every load, so a reload sees its changes. Nothing in it is ever printed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from syncflow.config.regular_files import read_regular
from syncflow.errors import ProjectError

VARIABLE = "SYNCFLOW_ENV_FILE"
"""Names a file to be read in place of ``.env``."""


def environment_for(directory: Path, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables for a project in a directory: those of its file, and over them the process's ``own``.

    Raises:
        ProjectError: the file that ``SYNCFLOW_ENV_FILE`` names cannot be read, it is no text, or lines of it are wrong.
    """
    given = dict(os.environ if own is None else own)
    path = env_file(directory, given)
    return given if path is None else {**_read(path), **given}


def env_file(directory: Path, given: Mapping[str, str]) -> Path | None:
    """Return the file of variables that is used in a directory; None where there is none."""
    named = given.get(VARIABLE)
    if named:
        return Path(named)
    usual = directory / ".env"
    return usual if usual.is_file() else None


def _read(path: Path) -> dict[str, str]:
    from dotenv.parser import parse_stream  # noqa: PLC0415  # only where there is such a file

    try:
        text = read_regular(path).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise ProjectError(f"the variables in {path} cannot be read: {words}") from error
    found = list(parse_stream(StringIO(text)))
    wrong = [each.original.line for each in found if each.error]
    if wrong:
        lines = f"line{'s' if len(wrong) > 1 else ''} {', '.join(map(str, wrong))}"
        raise ProjectError(
            f"the variables in {path} cannot be read: {lines} cannot be understood",
            hint="write NAME=value, with quotes round a value that has blanks; # begins a comment",
        )
    return {each.key: each.value for each in found if each.key is not None and each.value is not None}

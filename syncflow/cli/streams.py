"""Standard output and error that take no more: the reader has gone (``| head``), or the disk is full.

What a command prints on standard output is its result: where that cannot be written, the command has failed. Standard error only tells
what goes on: a run does not end because no one hears it any more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import EPIPE
from typing import Any, TextIO, cast


class OutputError(Exception):
    """Standard output takes no more. No OSError: to libraries of the command line that has a meaning of its own."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(cause)
        self.has_gone = cause.errno == EPIPE
        """Its reader has ended, perhaps content with what came."""
        self.words = os.strerror(cause.errno) if cause.errno else type(cause).__name__


@contextmanager
def watched_streams() -> Iterator[None]:
    """Until the end, standard output raises OutputError where it takes no more, and standard error drops what it cannot take."""
    output, error = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _watched(output, _output_failed), _watched(error, _no_one_hears)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = output, error


def give_up(stream: TextIO) -> None:
    """Let a stream lead nowhere from now on, for the interpreter's own flush at the end too."""
    with suppress(OSError):  # a stream without a file: nothing is left in it
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _output_failed(_stream: TextIO, error: OSError) -> None:
    raise OutputError(error) from error


def _no_one_hears(stream: TextIO, _error: OSError) -> None:
    give_up(stream)


class _Watched:
    def __init__(self, stream: TextIO, failed: Callable[[TextIO, OSError], None]) -> None:
        self._stream = stream
        self._failed = failed

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._failed(self._stream, error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._failed(self._stream, error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _watched(stream: TextIO, failed: Callable[[TextIO, OSError], None]) -> TextIO:
    return cast("TextIO", _Watched(stream, failed))

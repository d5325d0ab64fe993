"""What the journal's process does (``process`` starts it): carry out calls that come over a socket, until it ends.

A call and its answer are each a length (eight bytes, big-endian) and a pickled tuple: ``(name, arguments)``, and
``((message, hint) or None, value)``. Both sides are the same Python, and no other process has the socket. Of an exception that was not
foreseen the type and the lines of code go back, ``value`` being those lines: its words may hold values of a record, and a traceback on the
terminal is no answer.
"""

from __future__ import annotations

import pickle
import socket
import struct
import sys
import traceback
from pathlib import Path
from typing import IO, Any

from syncflow.errors import UnavailableError
from syncflow.runtime.journal.sqlite.tables import JournalStore

HEAD = struct.Struct(">Q")


def framed(message: tuple[Any, ...]) -> bytes:
    """Return a message as it goes over the socket."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return HEAD.pack(len(body)) + body


def answer(calls: IO[bytes], answers: IO[bytes], tables: JournalStore) -> None:
    """Carry out one call after the other, until there are no more; one that came by half, of a run that was killed, is none."""
    while len(head := calls.read(HEAD.size)) == HEAD.size:
        size = HEAD.unpack(head)[0]
        if len(body := calls.read(size)) < size:
            return
        name, arguments = pickle.loads(body)  # noqa: S301  # the run that started this wrote it
        answers.write(framed(_done(tables, name, arguments)))
        answers.flush()


def _done(tables: JournalStore, name: str, arguments: tuple[Any, ...]) -> tuple[tuple[str, str] | None, Any]:
    try:
        return None, tables.call(name, *arguments)
    except UnavailableError as exc:
        return (exc.message, exc.hint), None
    except Exception as exc:  # noqa: BLE001  # a bulkhead: the run ends with words, and this process with the run
        frames = [
            f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(exc.__traceback__)
        ]
        return (type(exc).__name__, name), frames


def main() -> None:
    """Do so, told by arguments: the socket's number, the journal's file, how it syncs."""
    line, path, sync = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    tables = JournalStore(path, sync=sync)
    try:
        with socket.socket(fileno=line) as ends, ends.makefile("rb") as calls, ends.makefile("wb") as answers:
            answer(calls, answers, tables)
    except (BrokenPipeError, ConnectionResetError):  # the one that asked is gone; what was committed stays
        pass
    finally:
        tables.drop()

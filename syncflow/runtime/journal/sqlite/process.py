"""The journal's work in a process of its own: this is the side that asks, ``worker`` the one that answers.

The two share a socket, and the lock's file: as long as either lives, no other run writes. The worker ends when the socket does, so also
when this process is killed; signals that end a run do not reach it, for the run has things to write until its end.
"""

from __future__ import annotations

import asyncio
import pickle
import signal
import socket
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any, Final

from syncflow.errors import BugError, UnavailableError
from syncflow.runtime.journal.sqlite.worker import HEAD, framed
from syncflow.runtime.observe import note, warn

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SLOW_SECONDS: Final = 5.0
"""An answer that takes longer is told of; the run goes on to wait for it."""

_START: Final = (
    "import sys; sys.path[:] = sys.argv[4:]; from syncflow.runtime.journal.sqlite.worker import main; main()"
)
"""It looks for modules where the run does, in the same order: another version, or a name of the standard library, may lie elsewhere."""


class JournalProcess:
    """Does it in another process. A run starts one; it cannot be started again."""

    def __init__(self, path: Path, *, sync: str = "full", slow_seconds: float = _SLOW_SECONDS) -> None:
        self._path = path
        self._sync = sync
        self._slow_seconds = slow_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._line: _Line | None = None
        self._told_slow = False

    @property
    def number(self) -> int | None:
        """The system's number of the process, while there is one."""
        return self._process.pid if self._process else None

    async def start(self, lock: int | None = None) -> None:
        if lock is None:
            raise BugError("a process for the journal needs the lock's file")
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _spawned(theirs.fileno(), lock, self._path, self._sync)
        loop = asyncio.get_running_loop()
        _, self._line = await loop.create_unix_connection(lambda: _Line(self._path), sock=ours)

    async def call(self, name: str, *arguments: Any) -> Any:
        if self._line is None:
            raise UnavailableError(f"the journal {self._path} is not open")
        answer = self._line.ask((name, arguments))
        loop = asyncio.get_running_loop()
        asked = loop.time()
        slow = loop.call_later(self._slow_seconds, self._say_slow)
        try:
            return await asyncio.shield(answer)
        finally:
            slow.cancel()
            if self._told_slow and loop.time() - asked < self._slow_seconds:
                self._told_slow = False
                note("journal.answers_again", process=self.number)

    def _say_slow(self) -> None:
        """Say once, until it answers in time again, that the run waits: a disk that hangs, or a process that was stopped, is not lost."""
        if not self._told_slow:
            self._told_slow = True
            warn("journal.slow", seconds=self._slow_seconds, process=self.number)

    async def stop(self) -> None:
        if self._line:
            self._line.hang_up()
            self._line = None
        if self._process:
            await asyncio.get_running_loop().run_in_executor(None, self._process.wait)
            self._process = None


def _spawned(line: int, lock: int, path: Path, sync: str) -> subprocess.Popen[bytes]:
    """Start the worker with signals blocked that are meant for the run; it keeps them so."""
    if not sys.executable:
        raise UnavailableError("a process for the journal cannot be started: Python does not know where it lies itself")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        return subprocess.Popen(  # noqa: S603  # this Python, and texts of our own
            [sys.executable, "-c", _START, str(line), str(path), sync, *sys.path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(line, lock),
            start_new_session=True,
        )
    except OSError as exc:
        raise UnavailableError(
            f"a process for the journal cannot be started ({sys.executable}): {exc.strerror}"
        ) from exc
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _bug(error: str, call: str, *, frames: list[str]) -> BugError:
    warn("bug", during=f"the journal's process did {call}", error=error, traceback=frames)
    return BugError(f"the journal failed: an unforeseen {error} in its process; the log shows where")


class _Line(asyncio.Protocol):
    """Questions out, answers in, in the same order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._asked: deque[asyncio.Future[Any]] = deque()
        self._came = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, question: tuple[str, Any]) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._transport is None or self._transport.is_closing():
            answer.set_exception(self._gone())
            return answer
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # the one that waited may be gone
        asked = framed(question)  # what cannot be sent must not wait for the next one's answer
        self._asked.append(answer)
        self._transport.write(asked)
        return answer

    def data_received(self, data: bytes) -> None:
        came = self._came
        came += data
        while len(came) >= HEAD.size:
            end = HEAD.size + HEAD.unpack_from(came)[0]
            if len(came) < end:
                return
            self._answered(*pickle.loads(came[HEAD.size : end]))  # noqa: S301  # our own worker wrote it
            del came[:end]

    def _answered(self, problem: tuple[str, str] | None, value: Any) -> None:
        answer = self._asked.popleft()
        if answer.done():
            return
        if problem is None:
            answer.set_result(value)
        elif isinstance(value, list):
            answer.set_exception(_bug(*problem, frames=value))
        else:
            message, hint = problem
            answer.set_exception(UnavailableError(message, hint=hint))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        while self._asked:
            answer = self._asked.popleft()
            if not answer.done():
                answer.set_exception(self._gone())

    def hang_up(self) -> None:
        if self._transport:
            self._transport.close()

    def _gone(self) -> UnavailableError:
        return UnavailableError(
            f"the process that writes the journal {self._path} has ended",
            hint="see above whether it said why, else whether the system ended it (out of memory?); run again: nothing is lost",
        )

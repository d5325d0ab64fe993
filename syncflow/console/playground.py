"""The playground: try files as they are being written, with one event. Nothing is written or sent.

    page ──texts, event──▶ Playground ──JSON──▶ a process of its own (``trying``) ──▶ diagnostics, origins of values, requests

Whatever an expression or a file does there, it costs that process: it may use so much time, memory and answer, two of them live at a time,
and it inherits nothing of the environment but where programs are. So a run that the console is part of goes on.

Each is forked by one that stays for a while and has imported what it needs (``trying.main``): a try begins at once.
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from syncflow.console.processes import end
from syncflow.errors import DataError

SECONDS = 10
"""Of the processor."""
PATIENCE_SECONDS = 30.0
"""Of the clock, on a machine that has other work too."""
IDLE_SECONDS = 300.0
"""How long a process stays that nobody asks."""
MOST_BYTES = 1_500_000_000
MOST_ANSWER_BYTES = 4_000_000
MOST_AT_ONCE = 2
LENGTH = struct.Struct(">Q")
"""What stands before each question and each answer: its length in bytes."""
COMMAND = (sys.executable, "-m", "syncflow.console.trying")

Process = asyncio.subprocess.Process


@dataclass(slots=True)
class Playground:
    """Of one project: its routes file and profile. ``command`` and the limits are replaced in tests."""

    routes: Path
    profile: str | None = None
    seconds: int = SECONDS
    patience_seconds: float = PATIENCE_SECONDS
    idle_seconds: float = IDLE_SECONDS
    most_bytes: int = MOST_BYTES
    command: Sequence[str] = COMMAND
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))
    _idle: dict[Process, asyncio.TimerHandle] = field(default_factory=dict)
    _busy: set[Process] = field(default_factory=set)
    _ending: set[asyncio.Task[None]] = field(default_factory=set)

    async def ask(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Try something; ``trying.tried`` says what may be asked.

        Raises:
            DataError: it took too long or too much, or could not be tried.
        """
        given = orjson.dumps(
            {
                **asked,
                "routes": str(self.routes.absolute()),
                "profile": self.profile,
                "seconds": self.seconds,
                "most_bytes": self.most_bytes,
            }
        )
        async with self._free:
            answer = await self._answer(given)
        if "error" in answer:
            raise DataError(str(answer["error"]), hint=str(answer.get("hint", "")))
        return answer

    async def close(self) -> None:
        """End all processes; what is being tried is told that it could not be."""
        for timer in self._idle.values():
            timer.cancel()
        await asyncio.gather(*map(end, (*self._idle, *self._busy)), *self._ending)
        self._idle.clear()

    async def _answer(self, given: bytes) -> dict[str, Any]:
        process = self._waiting() or await self._started()
        self._busy.add(process)
        try:
            async with asyncio.timeout(self.patience_seconds):
                answer = await _talk(process, given)
        except BaseException as error:
            await end(process)
            if isinstance(error, TimeoutError):
                raise DataError(
                    "this takes too long: the playground gave up", hint="look for an expression that repeats itself"
                ) from None
            raise
        finally:
            self._busy.discard(process)
        self._keep(process)
        return _read(answer)

    def _waiting(self) -> Process | None:
        """Return a process that was kept and still lives."""
        while self._idle:
            process, timer = self._idle.popitem()
            timer.cancel()
            if process.returncode is None:
                return process
        return None

    def _keep(self, process: Process) -> None:
        self._idle[process] = asyncio.get_running_loop().call_later(self.idle_seconds, self._drop, process)

    def _drop(self, process: Process) -> None:
        if self._idle.pop(process, None) is not None:
            task = asyncio.create_task(end(process))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _started(self) -> Process:
        return await asyncio.create_subprocess_exec(
            *self.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # a traceback may hold what an event held
            cwd=self.routes.absolute().parent,
            env=_environment(),
            start_new_session=True,
        )


async def _talk(process: Process, given: bytes) -> bytes:
    """Ask a process; return nothing where it has ended.

    Raises:
        DataError: the answer is too large.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(LENGTH.pack(len(given)) + given)
        await process.stdin.drain()
        (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
        if length > MOST_ANSWER_BYTES:
            raise DataError(f"the answer is larger than {MOST_ANSWER_BYTES // 10**6} MB: too large to be shown")
        return await process.stdout.readexactly(length)
    except (ConnectionError, asyncio.IncompleteReadError):
        return b""


def _read(answer: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(answer)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise DataError(
            "this could not be tried: it took too much time or memory", hint="`syncflow validate` says more"
        )
    return found


def _environment() -> dict[str, str]:
    """Return what the process inherits: how Python finds its modules, and nothing of the project's or the machine's secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ", "VIRTUAL_ENV") if name in os.environ}
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONDONTWRITEBYTECODE": "1"}

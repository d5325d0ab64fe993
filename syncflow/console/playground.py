"""The playground: try files as they are being written, with one event. Nothing is written or sent.

    page ──texts, event──▶ Playground ──JSON──▶ a process of its own (``trying``) ──▶ diagnostics, origins of values, requests

Whatever an expression or a file does there, it costs that process: it may use so much time, memory and answer, two of them live at a time,
and it inherits nothing of the environment but where programs are. So a run that the console is part of goes on.
"""

from __future__ import annotations

import asyncio
import os
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
MOST_BYTES = 1_500_000_000
MOST_ANSWER_BYTES = 4_000_000
MOST_AT_ONCE = 2
COMMAND = (sys.executable, "-m", "syncflow.console.trying")


@dataclass(slots=True)
class Playground:
    """Of one project: its routes file and profile. ``command`` and the limits are replaced in tests."""

    routes: Path
    profile: str | None = None
    seconds: int = SECONDS
    patience_seconds: float = PATIENCE_SECONDS
    most_bytes: int = MOST_BYTES
    command: Sequence[str] = COMMAND
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))

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

    async def _answer(self, given: bytes) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # a traceback may hold what an event held
            cwd=self.routes.absolute().parent,
            env=_environment(),
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self.patience_seconds):
                return _read(await _talk(process, given))
        except TimeoutError:
            raise DataError(
                "this takes too long: the playground gave up", hint="look for an expression that repeats itself"
            ) from None
        finally:
            await end(process)


async def _talk(process: asyncio.subprocess.Process, given: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(given)
        await process.stdin.drain()
        process.stdin.close()
    except ConnectionError:
        pass  # it has ended: that it gave no answer is told below
    answer = b""
    while part := await process.stdout.read(65_536):
        answer += part
        if len(answer) > MOST_ANSWER_BYTES:
            raise DataError(f"the answer is larger than {MOST_ANSWER_BYTES // 10**6} MB: too large to be shown")
    await process.wait()
    return answer


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

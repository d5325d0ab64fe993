"""The plan of a console: one at a time, made by a process beside (``planning``) that a person starts, watches and may stop.

    page ──order──▶ Plans ──JSON──▶ planning ──lines of JSON──▶ how far it is, and the plan

The plan stays in memory until the next one is made or an hour is over: its values, which may be personal data, are shown only when they
are asked for. Nothing of it is written.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import orjson

from syncflow.console.processes import end
from syncflow.errors import DataError
from syncflow.runtime.observe import note

MOST_EVENTS = 100_000
USUAL_EVENTS = 1_000
SECONDS = 600
"""Of the processor, and of the clock: a source may not answer."""
MOST_BYTES = 3_000_000_000
MOST_ANSWER_BYTES = 8_000_000
KEPT_SECONDS = 3_600.0
COMMAND = (sys.executable, "-m", "syncflow.console.planning")
_TOKEN = "SYNCFLOW_CONSOLE_TOKEN"  # noqa: S105  # its name, not a token

State = Literal["none", "running", "done", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants planned: at most ``events`` of the source."""

    events: int = USUAL_EVENTS
    from_start: bool = False
    online: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class PlanView:
    """How the plan stands; ``read`` of ``order.events`` are planned so far. Times are in wall seconds."""

    state: State = "none"
    order: Order = Order()
    began_at: float = 0.0
    ended_at: float = 0.0
    read: int = 0
    words: str = ""
    """What is going on, or why it failed."""
    hint: str = ""
    plan: Mapping[str, Any] | None = None
    """As ``syncflow plan --output json`` prints it, without values."""
    values: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """By route: its listed changes with the values of fields as JSON texts."""

    def shown(self, *, values: bool) -> Mapping[str, Any] | None:
        """Return the plan, with values where they are asked for."""
        if self.plan is None or not values:
            return self.plan
        routes = [route | {"steps": self.values.get(route["route"], ())} for route in self.plan["routes"]]
        return {**self.plan, "routes": routes}


class Plans:
    """Of one project: its routes file and profile. ``command`` and the limits are replaced in tests."""

    def __init__(
        self,
        routes: Path,
        profile: str | None = None,
        *,
        command: Sequence[str] = COMMAND,
        seconds: int = SECONDS,
        most_bytes: int = MOST_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._routes = routes.absolute()
        self._profile = profile
        self._command = command
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._clock = clock
        self._view = PlanView()
        self._task: asyncio.Task[None] | None = None
        self.version = 0
        """Another number whenever there is something new to see."""

    @property
    def view(self) -> PlanView:
        """How the plan stands; one that is an hour old is forgotten."""
        if self._view.ended_at and self._clock() - self._view.ended_at > KEPT_SECONDS:
            self._see(PlanView())
        return self._view

    def start(self, order: Order) -> bool:
        """Begin a plan; return whether it was begun: one is made at a time."""
        if self._task is not None and not self._task.done():
            return False
        note("console.planned", by=order.by, events=order.events, online=order.online)
        self._see(PlanView("running", order, self._clock()))
        self._task = asyncio.create_task(self._make(order))
        return True

    async def stop(self) -> None:
        """End the plan that is being made; nothing where there is none."""
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if self._view.state == "running":  # it had not begun
                self._end("stopped")

    def _see(self, view: PlanView) -> None:
        self._view = view
        self.version += 1

    async def _make(self, order: Order) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._answer(order)
        except TimeoutError:
            self._end("failed", f"the plan took longer than {self._seconds:,} seconds", "plan fewer events")
        except DataError as error:
            self._end("failed", error.message, error.hint)
        except asyncio.CancelledError:
            self._end("stopped")
            raise
        except OSError as error:
            self._end("failed", f"the plan could not be started: {type(error).__name__}")
        else:
            self._see(replace(self._view, plan=answer["plan"], values=answer["values"]))
            self._end("done")

    def _end(self, state: State, words: str = "", hint: str = "") -> None:
        self._see(replace(self._view, state=state, words=words, hint=hint, ended_at=self._clock()))

    async def _answer(self, order: Order) -> dict[str, Any]:
        """Return what the process made.

        Raises:
            DataError: it made no plan; the words say why.
        """
        with tempfile.TemporaryDirectory(prefix="syncflow-plan-", ignore_cleanup_errors=True) as folder:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,  # a traceback may hold what an event held
                env=_environment(folder),
                start_new_session=True,
                limit=MOST_ANSWER_BYTES,
            )
            try:
                return await self._talk(process, order)
            finally:
                await end(process)

    async def _talk(self, process: asyncio.subprocess.Process, order: Order) -> dict[str, Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(self._asked(order))
        process.stdin.close()
        while line := await _line(process.stdout):
            told = _read(line)
            if "error" in told:
                raise DataError(str(told["error"]), hint=str(told.get("hint", "")))
            if "plan" in told:
                return dict(told)
            self._see(
                replace(self._view, read=told.get("read", self._view.read), words=told.get("words", self._view.words))
            )
        raise DataError(
            "the plan was not made: it took too much time or memory",
            hint="plan fewer events; `syncflow plan` says more",
        )

    def _asked(self, order: Order) -> bytes:
        return orjson.dumps(
            {
                "routes": str(self._routes),
                "profile": self._profile,
                "most": order.events,
                "from_start": order.from_start,
                "online": order.online,
                "seconds": self._seconds,
                "most_bytes": self._most_bytes,
            }
        )


async def _line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:
        raise DataError(
            f"the plan is larger than {MOST_ANSWER_BYTES // 10**6} MB: too large to be shown",
            hint="`syncflow plan` shows it",
        ) from None


def _read(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise DataError("the plan was not made: its process said something else", hint="`syncflow plan` says more")
    return found


def _environment(folder: str) -> dict[str, str]:
    """Return what the process inherits: all that a run has, but the token of the console; its temporary files are in ``folder``."""
    kept = {name: value for name, value in os.environ.items() if name != _TOKEN}
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "TMPDIR": folder}

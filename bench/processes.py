"""What is measured runs in processes of its own: `syncflow run` with its peak of memory, and the sink it sends to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PROJECT = Path(__file__).parent / "project"
SYNCFLOW_RUN = (sys.executable, "-m", "syncflow", "run")


@contextmanager
def workspace() -> Iterator[Path]:
    """Give a folder for what is written; on the disk of the project, because a temporary one may lie in memory."""
    (ROOT / "build").mkdir(exist_ok=True)
    with TemporaryDirectory(dir=ROOT / "build", prefix="bench-") as folder:
        yield Path(folder)


@dataclass(frozen=True, slots=True)
class Sink:
    """The sink as a process."""

    url: str

    def seen(self) -> tuple[int, float]:
        """Return how many requests came, and the seconds from the first to the last."""
        with urllib.request.urlopen(self.url, timeout=10) as answer:
            told = json.load(answer)
        return told["requests"], told["seconds"]

    def rate(self) -> float:
        """Return requests a second, from the first to the last."""
        requests, seconds = self.seen()
        return (requests - 1) / seconds if seconds else 0.0


@contextmanager
def sink(*, latency_ms: float = 0) -> Iterator[Sink]:
    """Serve a sink for as long as the block lasts."""
    command = [sys.executable, "-m", "bench.sink", str(latency_ms)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Sink(f"http://127.0.0.1:{int(process.stdout.readline())}")
        finally:
            process.kill()


@dataclass(frozen=True, slots=True)
class Ran:
    """A process that has ended well."""

    seconds: float
    cpu_seconds: float
    """Processor time: how much there was to do, however busy the machine."""
    peak_mb: float | None
    out: str = field(repr=False)

    @property
    def ending(self) -> dict[str, Any]:
        """What `run --output json` told at its end."""
        told: dict[str, Any] = json.loads(self.out)
        return told


@dataclass(frozen=True, slots=True)
class Job:
    """A command as it is started."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path = ROOT

    def start(self) -> subprocess.Popen[str]:
        pipe, environment = subprocess.PIPE, {**os.environ, **self.environment}
        return subprocess.Popen(self.command, cwd=self.folder, env=environment, stdout=pipe, stderr=pipe, text=True)


def syncflow_job(routes: Path, environment: Mapping[str, str]) -> Job:
    return Job((*SYNCFLOW_RUN, str(routes), "--output", "json", "--quiet"), environment)


def syncflow_run(routes: Path, environment: Mapping[str, str]) -> Ran:
    """``syncflow run`` to its end; RuntimeError with what it said where an event is left or dead."""
    return measured(syncflow_job(routes, environment))


def measured(job: Job) -> Ran:
    """Run a command to its end and watch its memory; RuntimeError where it does not exit with 0."""
    started, before = time.perf_counter(), _cpu_of_children()
    with job.start() as process:
        peak = Peak(process.pid)
        out, err = process.communicate()
    seconds = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(f"{' '.join(job.command)} exited with {process.returncode}\n{out}{err}")
    return Ran(seconds, _cpu_of_children() - before, peak.mb, out)


def _cpu_of_children() -> float:
    """Of those that have ended and were waited for: the process that is measured, between two calls."""
    times = os.times()
    return times.children_user + times.children_system


def killed(job: Job, *, when: Callable[[], bool]) -> None:
    """Start a command and kill it, as a lost machine would, as soon as ``when`` says so."""
    with job.start() as process:
        while process.poll() is None and not when():
            time.sleep(0.01)
        process.kill()
        process.communicate()


class Peak(threading.Thread):
    """Reads a process's peak of memory until it is gone, with that of processes that it starts; None where /proc does not tell.

    Of those only what is theirs counts: the interpreter and its libraries lie in memory once. The kernel's account after the end would
    not do: it begins with the memory of the process that started this one.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process = pid
        self._own: float | None = None
        self._others: dict[str, float] = {}
        self.start()

    @property
    def mb(self) -> float | None:
        return None if self._own is None else self._own + sum(self._others.values())

    def run(self) -> None:
        while (own := _status(self._process, "VmHWM")) is not None:
            self._own = own
            for other in _children(self._process):
                self._others[other] = max(self._others.get(other, 0.0), _status(other, "RssAnon") or 0.0)
            time.sleep(0.05)


def _status(process: int | str, name: str) -> float | None:
    """Return a line of a process's status in MB."""
    try:
        lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith(f"{name}:")), None)


def _children(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/task/{process}/children").read_text("utf-8").split()
    except OSError:
        return []

"""Kills of real processes, three sources at once: ``python -m tests.journeys.kill_loop 200``. The last line has kills and violations.

In each of three worlds (a file, a followed file that is rotated, a webhook) runs live and die while events come. One fault after another
strikes: the run, the journal's process or the sink is killed; the run is told to stop; one of them is paused and goes on. At the end an
undisturbed run has to bring the sink to exactly what the events imply; ``violations`` says what it did not hold.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, get_args

from syncflow.runtime.journal.sqlite.database import connect
from tests.journeys.kill_project import BATCH, IN_FLIGHT, WINDOWS, Event, Feeder, Source, implied, write_project
from tests.journeys.sides import ROOT, SYNCFLOW
from tests.patience import PATIENCE, until
from tests.ports import free_port, is_listening

FAULTS = (
    "kill run", "kill journal", "kill sink", "kill run", "stop", "pause run", "kill run", "kill journal", "pause journal",
    "kill run", "kill sink", "pause sink", "kill run", "stop", "kill journal", "kill sink",
)  # fmt: skip
FINAL = {"delivered", "superseded", "already_done"}


@dataclass
class Told:
    """What a world came to."""

    source: Source
    faults: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    events: int = 0
    requests: int = 0
    again: int = 0
    allowed: int = 0
    dead: int = 0
    rotations: int = 0
    repeats: int = 0
    violations: list[str] = field(default_factory=list)


class World:
    """One project, its sink, its feeder, and the run that is alive, if any."""

    def __init__(
        self, directory: Path, source: Source, *, seed: int, longest_pause: float, events: int, per_second: float
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.source, self.longest_pause = directory, source, longest_pause
        self.random = Random(f"{source}{seed}")
        self.told = Told(source)
        self.port, self.hook = free_port(), free_port()
        write_project(directory, source, port=self.port, hook=self.hook)
        self.feeder = Feeder(directory, source, self.hook, Random(seed), at_first=events, per_second=per_second)
        self.errors = (directory / "stderr.txt").open("ab")
        self.sink = self._start_sink()
        self.run: subprocess.Popen[bytes] | None = None

    # -- processes -----------------------------------------------------------------------------------------------------------

    def _start_sink(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.journeys.kill_sink", str(self.port), str(self.directory / "sink.jsonl")]
        sink = subprocess.Popen(command, cwd=ROOT)
        until(lambda: is_listening(self.port))
        return sink

    def alive(self) -> subprocess.Popen[bytes]:
        """Return the run that is alive, and a new one where none is; its journal's process is there."""
        while True:
            if self.run is not None and self.run.poll() is not None:
                self._ended("by itself", {0, 1} if self.source == "file" else set())
            if self.run is None:
                command = [*SYNCFLOW, "run", "routes.yaml", "--quiet"]
                environment = os.environ | {"PYTHONPATH": str(ROOT)}
                self.run = subprocess.Popen(
                    command, cwd=self.directory, env=environment, stdout=subprocess.DEVNULL, stderr=self.errors
                )
            run = self.run
            until(lambda: run.poll() is not None or self._is_at_work(run.pid))  # noqa: B023  # used at once
            if run.poll() is None:
                return run

    def _is_at_work(self, process: int) -> bool:
        """Return whether its journal's process is there, and its webhook listens: on a slow machine that is much later."""
        return bool(children(process)) and (self.source != "webhook" or is_listening(self.hook))

    def _ended(self, why: str, expected: set[int], *, seconds: float = PATIENCE) -> int:
        assert self.run is not None
        code = self.run.wait(timeout=seconds)
        self.told.codes[f"{why}: {code}"] += 1
        if code not in expected:
            self.told.violations.append(f"exit code {code} after {why}")
        self.run = None
        return code

    # -- faults --------------------------------------------------------------------------------------------------------------

    def strike(self, fault: str) -> None:
        """Let one fault strike a run that has been alive for up to a second and a half."""
        itself = {0, 1} if self.source == "file" else set()
        while True:
            run = self.alive()
            time.sleep(self.random.uniform(0.0, 1.5))
            if run.poll() is None:
                break
        self.told.faults[fault] += 1
        if fault == "kill run":
            run.kill()
            self._ended(fault, {-signal.SIGKILL} | itself)
        elif fault == "kill journal":
            for child in children(run.pid):
                send(child, signal.SIGKILL)
            self._ended(fault, {1} | itself)
        elif fault == "kill sink":
            self.sink.kill()
            self.sink.wait()
            time.sleep(self.random.uniform(0.0, 1.0))
            self.sink = self._start_sink()
        elif fault == "stop":
            run.send_signal(signal.SIGTERM)
            self._ended(fault, {128 + signal.SIGTERM} | itself)
        else:
            paused = {"pause run": [run.pid], "pause journal": children(run.pid), "pause sink": [self.sink.pid]}[fault]
            self._pause(paused, nth=self.told.faults[fault])

    def _pause(self, processes: list[int], *, nth: int) -> None:
        """Every third pause of a kind is the longest there is."""
        seconds = self.longest_pause if nth % 3 == 1 else self.random.uniform(0.1, min(2.0, self.longest_pause))
        try:
            for process in processes:
                send(process, signal.SIGSTOP)
            time.sleep(seconds)
        finally:
            for process in processes:
                send(process, signal.SIGCONT)

    # -- the end -------------------------------------------------------------------------------------------------------------

    def live(self, kills: int) -> Told:
        """Let ``kills`` faults strike, then come to an end undisturbed, and judge."""
        try:
            self.alive()
            if self.source == "followed":  # what was rotated away before any run is not the source's
                until(lambda: journaled(self.directory) > 0)
            self.feeder.start()
            first = self.random.randrange(len(FAULTS))
            for number in range(kills):
                self.strike(FAULTS[(first + number) % len(FAULTS)])
            self.alive()
            self.feeder.stop()
            self._settle()
            self.told.violations += judge(self.directory, self.feeder.sent, self.told)
            self.told.rotations, self.told.repeats = self.feeder.rotations, self.feeder.repeats
        finally:
            for process in (self.run, self.sink):
                if process is not None and process.poll() is None:
                    process.kill()
                    process.wait()
            self.errors.close()
        return self.told

    def _patience(self) -> float:
        """Return how long the limits let the rest take if each delivery is a request of its own, and some time to start and end."""
        most, seconds = max(WINDOWS, key=lambda window: window[1] / window[0])
        unread = len(self.feeder.sent) - journaled(self.directory)
        return (
            PATIENCE + (2 * max(0, unread) + open_deliveries(self.directory)) * seconds / most
        )  # a change of key: two deliveries

    def _is_over(self) -> bool:
        return self.run is None or self.run.poll() is not None

    def _settle(self) -> None:
        if self.source == "file":
            self.alive()  # what was read by the run before may not be all of the file
            self._ended("the end", {0, 1}, seconds=self._patience())
            before = dead_letters(self.directory)
            self.alive()
            code = self._ended("the end", {0, 1})
            if code != int(dead_letters(self.directory) > before):
                self.told.violations.append(f"exit code {code} after the end")
        else:
            wanted = len(self.feeder.sent)
            with contextlib.suppress(AssertionError):  # what is missing is named by the judge
                until(lambda: self._is_over() or is_settled(self.directory, wanted), seconds=self._patience())
            run = self.alive()
            run.send_signal(signal.SIGTERM)
            self._ended("the end", {128 + signal.SIGTERM})
        checked = subprocess.run(
            [*SYNCFLOW, "journal", "check"], cwd=self.directory, env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        if checked.returncode != 0:
            self.told.violations.append(f"journal check: {checked.stdout} {checked.stderr}")


# -- oracles -----------------------------------------------------------------------------------------------------------------


def judge(directory: Path, sent: list[Event], told: Told) -> list[str]:
    """Compare the sink's file, the journal and the events; return what does not hold."""
    lines = [json.loads(line) for line in (directory / "sink.jsonl").read_bytes().splitlines()]
    effects = [line for line in lines if "effect" in line]
    times = sorted(line["at"] for line in lines if "at" in line)
    kills = told.faults
    told.events, told.requests = len(sent), len(times)
    told.allowed = ((kills["kill run"] + kills["kill journal"]) * 2 + kills["kill sink"]) * IN_FLIGHT * BATCH
    counts = Counter(entry["delivery"] for line in effects for entry in line["entries"])
    counts.update(delivery for line in effects for delivery in line["refused"])
    told.again = sum(counts.values()) - len(counts)
    found = [*exceeded(times), *order_breaks(effects), *lost(directory, sent, set(counts), told)]
    if told.again > told.allowed:
        found.append(f"{told.again} sent again, at most {told.allowed} were in flight at kills")
    held, mixed = replay(effects)
    found += mixed
    wanted = implied(sent)
    found += [f"{key}: holds {held.get(key)}, expected {wanted.get(key)}"
              for key in sorted(held.keys() | wanted.keys()) if held.get(key) != wanted.get(key)]  # fmt: skip
    if b"Traceback" in (directory / "stderr.txt").read_bytes():
        found.append("a traceback was shown")
    return found


def exceeded(times: list[float]) -> Iterator[str]:
    for most, seconds in WINDOWS:
        for first, beyond in zip(times, times[most:], strict=False):
            if beyond - first < seconds:
                yield f"window {most}/{seconds:g}s: {most + 1} requests in {beyond - first:.3f}s"


def order_breaks(effects: list[dict[str, Any]]) -> Iterator[str]:
    """Neither a delivery nor a version of a record may take effect after a later one."""
    newest: dict[str, tuple[int, int]] = {}
    for line in effects:
        for entry in line["entries"]:
            delivery, seq = newest.get(entry["record"], (0, 0))
            own = int(entry["delivery"])
            if own < delivery or entry.get("item", {}).get("seq", seq) < seq:
                yield f"order: {entry} took effect after delivery {delivery}, version {seq}"
            newest[entry["record"]] = (max(own, delivery), max(seq, entry.get("item", {}).get("seq", seq)))


def replay(effects: list[dict[str, Any]]) -> tuple[dict[str, tuple[str, int]], list[str]]:
    held: dict[str, tuple[str, int]] = {}
    mixed = []
    for line in effects:
        for entry in line["entries"]:
            owner = held.get(entry["key"])
            if owner is not None and owner[0] != entry["record"]:
                mixed.append(f"mixed up: {line['effect']} {entry} met {owner}")
            if line["effect"] == "/delete":
                held.pop(entry["key"], None)
            else:
                held[entry["key"]] = (entry["record"], entry["item"]["seq"])
    return held, mixed


def lost(directory: Path, sent: list[Event], effective: set[Any], told: Told) -> Iterator[str]:
    """Every event has a dead letter with a reason, or deliveries that are settled; what is delivered reached the sink."""
    with contextlib.closing(connect(directory / ".syncflow" / "journal.db", read_only=True)) as database:
        # An event that fits no schema is journaled without its id: the body tells it.
        # One that a webhook's sender repeats is known by its id, and journaled as a duplicate without its body.
        kept = database.execute("SELECT seq, raw FROM events WHERE state != 'duplicate'")
        names = {seq: json.loads(raw)["event"] for seq, raw in kept}
        dead = {names[event]: reason for event, reason in database.execute("SELECT event, reason FROM dead_letters")}
        rows = [(names[event], *row) for event, *row in database.execute("SELECT event, id, state FROM deliveries")]
    events = Counter(names.values())
    told.dead = len(dead)
    states: dict[str, list[str]] = {}
    reached = {int(delivery) for delivery in effective}
    for event, delivery, state in rows:
        states.setdefault(event, []).append(state)
        if state == "delivered" and delivery not in reached:
            yield f"{event}: delivery {delivery} is called delivered, and the sink never had it"
    for event in sent:
        name, is_bad = event["event"], event["item"]["name"] not in {"made", "changed", "gone"}
        # A webhook's sender may repeat an event that fits no schema: each copy has a dead letter of its own.
        is_repeated = events[name] > 1 and event["item"]["name"].startswith("x") and told.source == "webhook"
        if events[name] != 1 and not is_repeated:
            yield f"{name}: journaled {events[name]} times"
        elif is_bad != bool(dead.get(name)):
            yield f"{name}: {'no' if is_bad else 'a'} dead letter: {dead.get(name)}"
        elif not is_bad and not (states.get(name) and set(states[name]) <= FINAL):
            yield f"{name} ({event['operation']}): {states.get(name)}"


def dead_letters(directory: Path) -> int:
    with contextlib.closing(connect(directory / ".syncflow" / "journal.db", read_only=True)) as database:
        return int(database.execute("SELECT count(*) FROM dead_letters WHERE state = 'open'").fetchone()[0])


def is_settled(directory: Path, events: int) -> bool:
    return journaled(directory) >= events and open_deliveries(directory) == 0


def journaled(directory: Path) -> int:
    return _count(directory, "SELECT count(*) FROM events WHERE state != 'duplicate'", otherwise=0)


def open_deliveries(directory: Path) -> int:
    opened = "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'sending', 'retrying')"
    return _count(directory, opened, otherwise=1)


def _count(directory: Path, query: str, *, otherwise: int) -> int:
    path = directory / ".syncflow" / "journal.db"
    with contextlib.suppress(Exception), contextlib.closing(connect(path, read_only=True)) as database:
        return int(database.execute(query).fetchone()[0])
    return otherwise  # it is being made just now


# -- processes ---------------------------------------------------------------------------------------------------------------


def children(process: int) -> list[int]:
    """Return the processes that a process has started."""
    threads = Path(f"/proc/{process}/task")
    if threads.exists():
        with contextlib.suppress(OSError):  # it has ended
            return [int(number) for thread in threads.iterdir() for number in (thread / "children").read_text().split()]
        return []
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [[int(word) for word in line.split()] for line in listed.splitlines()]
    return [number for number, parent in pairs if parent == process]


def send(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def loop(directory: Path, kills: int, *, seed: int = 1, longest_pause: float = 20.0) -> list[Told]:
    """Live three worlds at once; together they see ``kills`` faults."""
    sources: tuple[Source, ...] = get_args(Source)
    per_second = 12.0 if kills <= 24 else 2.0  # the sink takes few more than that while it is killed again and again
    shares = [kills // 3 + (number < kills % 3) for number in range(3)]
    with ThreadPoolExecutor(3) as pool:
        worlds = [
            World(
                directory / source,
                source,
                seed=seed,
                longest_pause=longest_pause,
                events=min(200, 25 * share),
                per_second=per_second,
            )
            for source, share in zip(sources, shares, strict=True)
        ]
        return list(pool.map(World.live, worlds, shares))


def main(kills: int, seed: int) -> int:
    directory = Path(tempfile.mkdtemp(prefix="syncflow-kills-"))
    found = loop(directory, kills, seed=seed)
    for told in found:
        sys.stdout.write(
            f"{told.source}: {told.events} events, {told.requests} requests, {told.dead} dead letters, {told.again} sent again (at most"
            f" {told.allowed}), {told.rotations} rotations, {told.repeats} repeats\n  {dict(told.faults)}\n  {dict(told.codes)}\n"
        )
        sys.stdout.writelines(f"  {violation}\n" for violation in told.violations[:20])
    bad = sum(len(told.violations) for told in found)
    sys.stdout.write(f"{sum(told.faults.total() for told in found)} kills, {bad} violations; files in {directory}\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))

"""Real runs, of every source, that lose their journal: they end and say why, and promise nothing that is not kept."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from syncflow.runtime.journal.sqlite.database import connect
from tests.journeys.kill_loop import children
from tests.journeys.sides import ROOT, SYNCFLOW
from tests.patience import PATIENCE, until
from tests.ports import free_port, is_listening

ROUTES = """
version: 1
source: SOURCE
envelope: {record: record, operation: operation, timestamp: timestamp, item: item}
records: {people: {schema: person.yaml}}
dead_letters: {stop_after: 100000}
systems:
  sink:
    adapter:
      adapter: sink
      base_url: "http://127.0.0.1:1"
      objects: {person: {keys: [id]}}
      operations:
        upsert: {repeat: safe, request: {post: /write, json: payload}}
routes:
  - {to: sink, mapping: mapping.yaml, operations: {delete: ignore}}
"""
"""Nothing listens where it sends: what was read stays in the journal, and the run goes on."""

MAPPING = "source: people\ntarget: sink/person\nkey: id\nfields: {id: item.id, name: item.name}\n"
PERSON = "type: object\nrequired: [id]\nproperties: {id: {type: string, minLength: 1}, name: {type: string}}\n"

SOURCES = {
    "file": "{file: {path: events.jsonl}}",
    "followed file": "{file: {path: events.jsonl, follow: true}}",
    "stdin": "{stdin: {}}",
    "webhook": '{webhook: {listen: "127.0.0.1:PORT"}}',
    "generate": "{generate: {record: people, rate: 20/s}}",
}


MOST_SECONDS = PATIENCE / 2
"""The run itself waits for its retries longer than that: without its journal it must not."""


def event(number: int) -> str:
    item = {"id": f"A{number}", "name": "x" * 200}
    at = "2024-01-15T10:30:00"
    return json.dumps({"record": "people", "operation": "create", "timestamp": at, "item": item})


@dataclass
class Life:
    """One run as a process, and the events that are handed to it."""

    folder: Path
    source: str
    port: int = field(default_factory=free_port)
    most_blocks: int = 0
    """Most that a file may hold: a full disk."""
    number: int = 0
    accepted: set[str] = field(default_factory=set)
    statuses: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        text = ROUTES.replace("SOURCE", SOURCES[self.source].replace("PORT", str(self.port)))
        (self.folder / "routes.yaml").write_text(text, "utf-8")
        (self.folder / "mapping.yaml").write_text(MAPPING, "utf-8")
        (self.folder / "person.yaml").write_text(PERSON, "utf-8")
        (self.folder / "events.jsonl").touch()
        if self.source == "file":
            self.hand_over(500)
        self.process = subprocess.Popen(
            [*self._limited(), *SYNCFLOW, "run", "routes.yaml", "--wait", "3600", "--quiet"],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE if self.source == "stdin" else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def _limited(self) -> list[str]:
        """Return a command that lets no file grow above some blocks, as a full disk would."""
        script = f"trap '' XFSZ; ulimit -f {self.most_blocks}; exec \"$@\""
        return ["sh", "-c", script, "sh"] if self.most_blocks else []

    @property
    def journal(self) -> Path:
        return self.folder / ".syncflow" / "journal.db"

    def hand_over(self, count: int) -> None:
        """Give it some events, as its source wants them."""
        numbers = range(self.number, self.number + count)
        self.number += count
        lines = [event(number) for number in numbers]
        if self.source in {"file", "followed file"}:
            with (self.folder / "events.jsonl").open("a", encoding="utf-8") as file:
                file.writelines(line + "\n" for line in lines)
        elif self.source == "stdin":
            assert self.process.stdin is not None
            try:
                self.process.stdin.write("".join(line + "\n" for line in lines).encode())
                self.process.stdin.flush()
            except BrokenPipeError:
                pass
        elif self.source == "webhook":
            self._post(lines, numbers)

    def _post(self, lines: list[str], numbers: range) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/events", data=f"[{','.join(lines)}]".encode(), method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                status = int(answer.status)
        except urllib.error.HTTPError as error:
            status = error.code
        except OSError:
            status = 0
        self.statuses.append(status)
        if status == 200:
            self.accepted.update(f"A{number}" for number in numbers)

    def until_it_writes(self) -> None:
        if self.source == "webhook":
            until(lambda: is_listening(self.port))
        self.hand_over(20)
        until(lambda: self.process.poll() is not None or self.kept() > 0)
        assert self.process.poll() is None, "it ended before anything was lost"

    def kept(self) -> int:
        if not self.journal.exists():
            return 0
        with closing(connect(self.journal, read_only=True)) as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'event_counts'").fetchone():
                return 0
            return int(database.execute("SELECT count(*) FROM events").fetchone()[0])

    def end(self) -> tuple[int, str]:
        """Hand over more until it has ended; return the exit code and the text of stderr."""
        try:
            until(self._has_ended_or_takes_more, seconds=MOST_SECONDS, otherwise="it goes on without its journal")
        finally:
            self.process.kill()
        assert self.process.stderr is not None
        said = self.process.stderr.read().decode()
        return self.process.wait(), said

    def _has_ended_or_takes_more(self) -> bool:
        if self.process.poll() is not None:
            return True
        self.hand_over(20)
        time.sleep(0.1)
        return False


def kill_the_writer(life: Life) -> None:
    [writer] = children(life.process.pid)
    os.kill(writer, signal.SIGKILL)


LOSSES: dict[str, tuple[Callable[[Life], object], str]] = {
    "writer killed": (kill_the_writer, "the process that writes the journal {path} has ended"),
    "file removed": (
        lambda life: life.journal.unlink(),
        "the journal {path} was removed, replaced or cut off while the run wrote it",
    ),
    "folder gone": (
        lambda life: shutil.rmtree(life.journal.parent),
        "the journal {path} was removed, replaced or cut off while the run wrote it",
    ),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("source", SOURCES)
def test_a_run_that_loses_its_journal_ends_and_says_why(source: str, loss: str, tmp_path: Path) -> None:
    life = Life(tmp_path, source)
    life.until_it_writes()
    lose, words = LOSSES[loss]
    lose(life)
    code, said = life.end()
    assert code == 1, said
    assert f"error: {words.format(path='.syncflow/journal.db')}" in said
    assert said.count("error: ") == 1
    assert "Traceback" not in said
    if loss == "writer killed":
        with closing(connect(life.journal)) as database:
            kept = {name for (name,) in database.execute("SELECT record FROM events")}
        assert life.accepted <= kept, "what was accepted is kept"


@pytest.mark.parametrize("source", SOURCES)
def test_a_run_whose_disk_is_full_ends_and_has_promised_nothing_that_is_not_kept(source: str, tmp_path: Path) -> None:
    life = Life(tmp_path, source, most_blocks=1400)
    if source == "webhook":
        until(lambda: is_listening(life.port))
    code, said = life.end()
    assert code == 1, said
    assert "error: the journal .syncflow/journal.db cannot be used: " in said
    assert "Traceback" not in said
    with closing(connect(life.journal)) as database:
        kept = {name for (name,) in database.execute("SELECT record FROM events")}
    assert life.accepted <= kept
    if source == "webhook":
        assert 200 in life.statuses
        assert set(life.statuses) <= {0, 200, 503}

"""A vendor that takes records by jobs, behind a network that is a function, and the adapter that speaks to it.

It works while it is asked: a job is done ``polls`` askings after it was closed. ``written`` counts how often each record was written.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import orjson

from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import Gate
from syncflow.adapters.scripted import Asked, Reply, scripted
from syncflow.compiler.policies import RetryPolicy
from syncflow.compiler.wire.system import SystemPlan
from syncflow.config.journal_place import Place
from syncflow.errors import SyncflowError
from syncflow.runtime.ending import Ending
from syncflow.runtime.engine import Engine
from syncflow.testing import ListSource, VirtualClock, run_virtually
from tests.adapters.kit import plan, written
from tests.runtime.programs import event, program, route
from tests.runtime.vendor import Killed, killed_at

ADAPTER = """
adapter: bulky
base_url: https://bulky.test
objects: {Contact: {keys: [Ext]}}
operations:
  upsert:
    repeat: REPEAT
    job:
      records: RECORDS
      age: 1s
      at_once: 2
      start: {request: {post: /jobs, json: {object: object}}, id: number}
      upload: {request: {put: "/jobs/{{ job.id }}/rows", csv: {each: payload}, cells: {empty: "#N/A"}}}
      CLOSE
      poll:
        request: {get: "/jobs/{{ job.id }}"}
        every: 5s
        most: 10m
        until: state == 'done'
        failed: state == 'failed'
        aborted: state == 'aborted'
        open: state == 'open'
        code: code
      results:
        - request: {get: "/jobs/{{ job.id }}/done"}
          answer: {body: csv, results: {match: Ext, with: key.value, vendor_id: id}}
        - request: {get: "/jobs/{{ job.id }}/bad"}
          answer: {body: csv, failures: {match: Ext, with: key.value, code: code, message: words}}
        - request: {get: "/jobs/{{ job.id }}/rest"}
          answer: {body: csv, failures: {match: Ext, with: key.value, code: "'unprocessed'"}}
      abort: {request: {patch: "/jobs/{{ job.id }}", json: {state: {value: aborted}}}}
outcomes:
  - {code: unprocessed, then: retry}
  - {code: too_odd, then: split}
  - {code: wrong_fields, then: stop}
"""
CLOSE = 'close: {request: {patch: "/jobs/{{ job.id }}", json: {state: {value: closed}}}}'


@dataclass
class TheirJob:
    state: str = "open"
    rows: list[dict[str, str]] = field(default_factory=list)
    polls_left: int = 0
    results: dict[str, str] = field(default_factory=dict)
    """Ext → an id, or ``bad``."""
    worked: int = 0
    """How many rows it came to."""
    code: str = ""


@dataclass
class Bulky:
    """``answers``: what becomes of a record, by its name: ok · bad · odd (the job fails) · gone (no result tells of it)."""

    closes: bool = True
    polls: int = 2
    stuck: bool = False
    answers: Callable[[str], str] = lambda _name: "ok"
    trouble: Callable[[Asked, int], Reply | None] = lambda _asked, _number: None
    """What is answered in place of the vendor, by the request and its number."""
    after: Callable[[Asked, int], Reply | None] = lambda _asked, _number: None
    """What is answered once the vendor has done what was asked."""
    jobs: dict[str, TheirJob] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)
    uploads: Counter[str] = field(default_factory=Counter)
    """By job."""
    asked: list[str] = field(default_factory=list)
    strangers: int = 0

    def __call__(self, asked: Asked) -> Reply:
        self.asked.append(f"{asked.method} {asked.path}")
        number = len(self.asked)
        return self.trouble(asked, number) or self._told(asked, number)

    def _told(self, asked: Asked, number: int) -> Reply:
        reply = self._answer(asked)
        return self.after(asked, number) or reply

    def _answer(self, asked: Asked) -> Reply:
        if asked.path == "/jobs":
            name = str(len(self.jobs) + 1)
            self.jobs[name] = TheirJob()
            return _json({"number": int(name), "state": "open"})
        _, _, name, *rest = asked.path.split("/")
        job = self.jobs[name]
        if asked.method == "PUT":
            return self._upload(name, job, asked.text)
        if asked.method == "PATCH":
            return self._change(job, orjson.loads(asked.text)["state"])
        if rest:
            return self._results(job, rest[0])
        self._work(job)
        return _json({"number": int(name), "state": job.state, "code": job.code})

    def _upload(self, name: str, job: TheirJob, text: str) -> Reply:
        self.uploads[name] += 1
        if job.state != "open" or job.rows:
            return Reply(400, "taken")
        job.rows = list(csv.DictReader(io.StringIO(text)))
        if not self.closes:
            job.state, job.polls_left = "running", self.polls
        return Reply(201)

    def _change(self, job: TheirJob, state: str) -> Reply:
        if state == "closed" and job.state == "open" and job.rows:
            job.state, job.polls_left = "running", self.polls
        elif state == "aborted" and job.state in {"open", "running"}:
            job.state = "aborted"
        else:
            return Reply(400, "not now")
        return _json({"state": job.state})

    def _work(self, job: TheirJob) -> None:
        if job.state != "running":
            return
        job.polls_left -= 1
        odd = next((row["Name"] for row in job.rows if self.answers(row["Name"]) == "odd"), None)
        if job.polls_left == 1 and odd is None:
            self._write(job, len(job.rows) // 2)
        if job.polls_left > 0 or self.stuck:
            return
        if odd is not None:
            job.state, job.code = "failed", "too_odd"
            return
        self._write(job, len(job.rows))
        job.state = "done"

    def _write(self, job: TheirJob, until: int) -> None:
        for row in job.rows[job.worked : until]:
            answer = self.answers(row["Name"])
            if answer == "bad":
                job.results[row["Ext"]] = "bad"
            else:
                self.written[row["Ext"]] += 1
                if answer != "gone":
                    job.results[row["Ext"]] = f"id-{row['Ext']}"
        job.worked = until

    def _results(self, job: TheirJob, which: str) -> Reply:
        if which == "done":
            found = [[id_, ext] for ext, id_ in job.results.items() if id_ != "bad"]
            found += [[f"id-x{n}", f"x{n}"] for n in range(self.strangers)]
            return _table(["id", "Ext"], found)
        if which == "bad":
            return _table(
                ["code", "words", "Ext"], [["BAD", "no", ext] for ext, id_ in job.results.items() if id_ == "bad"]
            )
        return _table(["Ext"], [[row["Ext"]] for row in job.rows[job.worked :]])


def _json(body: Any) -> Reply:
    return Reply(200, orjson.dumps(body).decode())


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Reply:
    text = io.StringIO()
    csv.writer(text).writerows([names, *rows])
    return Reply(200, text.getvalue())


@cache
def bulky_plan(*, repeat: str = "safe", closes: bool = True, records: int = 100, text: str = ADAPTER) -> SystemPlan:
    """The adapter, compiled."""
    text = text.replace("REPEAT", repeat).replace("RECORDS", str(records))
    text = text.replace("      CLOSE\n", f"      {CLOSE}\n" if closes else "")
    with TemporaryDirectory() as directory:
        return replace(plan(written(text, Path(directory), "bulky"), base_url="https://bulky.test"), name="a")


def contacts(count: int, **more: Any) -> list[dict[str, Any]]:
    return [event(f"c{number}", name=f"n{number}", **more) for number in range(count)]


def run_bulky(
    events: Sequence[dict[str, Any]],
    place: Place,
    vendor: Bulky,
    system: SystemPlan,
    *,
    kill: tuple[int, bool] | None = None,
    kill_request: tuple[int, bool] | None = None,
    attempts: int = 3,
    wait_seconds: float = 3600.0,
    stop_after_seconds: float | None = None,
) -> Ending | None:
    """Run to the end; None where it was killed: at a call of the journal or at a request, and whether after it."""
    clock = VirtualClock()
    requests = 0

    def network(asked: Asked) -> Reply:
        nonlocal requests
        requests += 1
        if kill_request == (requests, False):
            raise Killed
        reply = vendor(asked)
        if kill_request == (requests, True):
            raise Killed
        return reply

    async def main() -> Ending:
        journal = killed_at(place, clock)
        if kill:
            journal.kill_in, journal.kill_after = kill
        http = httpx.AsyncClient(transport=scripted(network))

        def client(plan: SystemPlan, gate: Gate) -> SystemClient:
            return SystemClient(plan, http=http, gate=gate, clock=clock)

        made = program(
            routes={"a": route("a")}, systems={"a": system}, types={"lead": "a"},
            retry=RetryPolicy(attempts, 0.5, 300.0, 86400.0), stop_after=10_000,
        )  # fmt: skip
        engine = Engine(
            made,
            source=ListSource(events),
            journal=journal,
            systems=client,
            clock=clock,
            random=Random(1),
            wait_seconds=wait_seconds,
        )
        if stop_after_seconds is not None:
            import asyncio

            asyncio.get_running_loop().call_later(stop_after_seconds, engine.stop)
        return await engine.run()

    try:
        return run_virtually(main())
    except (Killed, BaseExceptionGroup, SyncflowError):
        if not (kill or kill_request):
            raise
        return None

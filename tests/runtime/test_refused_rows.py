"""Rows that are compared, and whose deliveries the other side refuses."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from syncflow.clock import SystemClock
from syncflow.config.models.routes import FileSource, SourceSettings
from syncflow.config.models.schema import SchemaNode
from syncflow.events import Batch, BatchResult, Outcome, Verdict
from syncflow.runtime.desk import operator_actions
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.engine import Engine
from syncflow.runtime.journal.sqlite.journal import SqliteJournal
from syncflow.sources import Source, Surroundings, open_source
from syncflow.testing import FakeSystems
from tests.runtime.test_unchanged import program

PERSON = {"id": "A", "first": "Ada", "last": "Lee", "bio": "b"}


def test_a_row_whose_delivery_was_refused_waits_for_a_redrive_or_its_next_change(tmp_path: Path) -> None:
    made, path = program(tmp_path, envelope="{}"), tmp_path / "journal.db"
    refuses = [True]

    def answer(batch: Batch, _number: int) -> BatchResult | None:
        return BatchResult((Outcome(Verdict.REJECTED, code="BAD"),) * len(batch.deliveries)) if refuses[0] else None

    systems = FakeSystems(answer)

    def compared() -> Source:
        settings = FileSource(path="people.jsonl", changes="diff", record="people", key="id")
        schema = SchemaNode.model_validate({"type": "object"})
        return open_source(
            SourceSettings(file=settings),
            Surroundings(base=tmp_path, schemas={"people": schema}, clock=SystemClock(), beside=path),
        )

    def passed(**row: str) -> int:
        """Write the row, let a run compare it, and return how many events it read."""
        (tmp_path / "people.jsonl").write_text(json.dumps(PERSON | row) + "\n", "utf-8")
        os.utime(tmp_path / "people.jsonl", (0, 0))
        clock = SystemClock()  # a pass has a thread of its own
        journal = SqliteJournal(path, inline=True, now=clock.now)
        engine = Engine(made, source=compared(), journal=journal, systems=systems, clock=clock, wait_seconds=1000)
        return asyncio.run(engine.run()).tally.read

    assert passed() == 1
    assert passed() == 0, "the event was accepted: its payload waits in the journal"
    assert passed(first="Eve") == 1
    refuses[0] = False
    assert operator_actions.redrive(path, Letters(), how="as_sent") == 2
    assert passed(first="Eve") == 0
    assert systems.by_name["crm"].held["person", "A"]["name"] == "Eve Lee"
    assert passed(first="Ida") == 1
    assert systems.by_name["crm"].held["person", "A"]["name"] == "Ida Lee"

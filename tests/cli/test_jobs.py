"""Jobs as a person sees them: before they are begun, and while they are open."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.conftest import Command

BATCH = 'batch: {records: "${BATCH_SIZE:-10}", age: 200ms}'


def _by_bulk(project: Path, records: int) -> None:
    path = project / "routes.yaml"
    text = path.read_text("utf-8")
    assert BATCH in text
    path.write_text(text.replace(BATCH, f"{BATCH[:-1]}, bulk_from: {records}}}", 1), "utf-8")


def test_a_dry_run_shows_what_a_job_is_handed(command: Command, from_file: Path) -> None:
    _by_bulk(from_file, 2)
    ended = command("dry-run", "--output", "json")
    requests = [each for each in json.loads(ended.out)["requests"] if each["system"] == "salesforce"]
    first = requests[:3]
    assert [each["step"] for each in first] == ["start", "upload", "close"]
    assert first[0]["body"] == {"operation": "upsert", "object": "Contact", "externalIdFieldName": "External_Id__c"}
    lines = first[1]["body"].splitlines()
    assert lines[0].startswith("External_Id__c,FirstName,")
    assert len(lines) == 1 + len(first[1]["deliveries"])


def test_with_fewer_records_a_dry_run_shows_requests(command: Command, from_file: Path) -> None:
    _by_bulk(from_file, 1000)
    ended = command("dry-run", "--output", "json")
    assert "/jobs/ingest" not in ended.out


def test_status_tells_the_jobs_that_are_open(command: Command, from_file: Path, mock: object) -> None:
    assert command("run", "--quiet", "--limit", "1").code == 0
    with closing(sqlite3.connect(from_file / ".syncflow" / "journal.db")) as journal, journal:
        row = ("j1", "salesforce", "Contact", "upsert", "External_Id__c", "waiting", 0, 0, 0, "750x", "{}", 2000, "[]")
        journal.execute(f"INSERT INTO jobs VALUES ({', '.join('?' * len(row))})", row)
    ended = command("status")
    assert [line.split()[:5] for line in ended.out.splitlines() if "OPEN JOB" in line or "750x" in line] == [
        ["OPEN", "JOB", "RECORDS", "STAGE", "BEGUN"],
        ["upsert", "salesforce/Contact", "2,000", "waiting", ended.out.split("waiting")[1].split()[0]],
    ]
    told = json.loads(command("status", "--output", "json").out)["jobs"]
    assert [(each["stage"], each["records"], each["vendor_id"]) for each in told] == [("waiting", 2000, "750x")]

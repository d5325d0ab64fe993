"""Open jobs in the journal: a row each, written before the first request of a stage, gone when all of their deliveries are settled."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from syncflow.events import Job
from syncflow.runtime.journal.base import DeliveryState, OpenJob
from syncflow.runtime.journal.tables.database import Database
from syncflow.runtime.journal.tables.rows import Row, waiting

_COLUMNS = "id, system, object, operation, key_name, stage, begun_at, started_at, vendor_id, kept, count, members"  # of ``job_row``
_MEMBERS = 11


def job_row(job: Job) -> Row:
    """Return the values of a job in the order of its columns."""
    place = (job.id, job.system, job.object, job.operation, job.key_name)
    stands = (job.stage, job.begun_at, job.started_at, job.vendor_id, orjson.dumps(dict(job.kept)).decode())
    return (*place, *stands, len(job.members), orjson.dumps(job.members).decode())


def note_job(db: Database, row: Row, at: float) -> None:
    """Write a job, or how it stands now."""
    db.execute(
        f"INSERT INTO jobs ({_COLUMNS}, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "  # constants only
        "ON CONFLICT (id) DO UPDATE SET stage = excluded.stage, started_at = excluded.started_at, at = excluded.at, "
        "vendor_id = excluded.vendor_id, kept = excluded.kept",
        (*row, at),
    )


def read_jobs(db: Database, system: str) -> Sequence[Row]:
    """Return the open jobs of a system, oldest first."""
    sql = f"SELECT {_COLUMNS} FROM jobs WHERE system = ? ORDER BY begun_at, id"  # constants only
    return db.execute(sql, (system,)).fetchall()


def members_of(row: Row) -> list[int]:
    """Return the numbers of a job's deliveries."""
    numbers: list[int] = orjson.loads(row[_MEMBERS])
    return numbers


def open_jobs(rows: Sequence[Row], members: Sequence[Row]) -> list[OpenJob]:
    """Return jobs with their deliveries: each in the last job that names it."""
    # One that is being sent by a request was let go by its job already: whether it arrived is not for the job to say.
    left = {
        each.delivery.id: each.delivery for each in map(waiting, members) if each.state is not DeliveryState.SENDING
    }
    found: list[OpenJob] = []
    for row in reversed(rows):
        job = _job(row)
        own = tuple(delivery for number in job.members if (delivery := left.pop(number, None)) is not None)
        found.append(OpenJob(job, own))
    return found[::-1]


def _job(row: Row) -> Job:
    id_, system, object_name, operation, key_name, stage, begun_at, started_at, vendor_id, kept, _, members = row
    return Job(
        id=id_,
        system=system,
        object=object_name,
        operation=operation,
        key_name=key_name,
        stage=stage,
        begun_at=begun_at,
        members=tuple(orjson.loads(members)),
        vendor_id=vendor_id,
        kept=orjson.loads(kept),
        started_at=started_at,
    )

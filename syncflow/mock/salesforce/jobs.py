"""Jobs of Bulk API 2.0: a table of records that the org writes on its own, while it answers other requests.

Time passes with requests: each request to the org, whatever it asks, moves every job in progress one share on. So a job whose
client has gone goes on too, and a test needs no clock. ``bulk.py`` is how jobs are spoken of over HTTP, ``job_rows.py`` reads
and writes their tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..settings import SalesforceSettings
from ..system import Desk
from .entity import Entity
from .fields import Field
from .ids import new_id
from .job_rows import Row, read_rows, value_of
from .problems import Problem, refuse
from .single_writes import Result, create_one, delete_one, update_one, upsert_one

OPEN, CLOSED, RUNNING, DONE, FAILED, ABORTED = (
    "Open", "UploadComplete", "InProgress", "JobComplete", "Failed", "Aborted",
)  # fmt: skip
ENDED = frozenset({DONE, FAILED, ABORTED})
_CHUNK = 200
"""Records that are written together; within these no external id may come twice."""
_BATCH = 10_000
"""Records of which the org makes one batch of its own; batches are what its daily limit counts."""


@dataclass
class Job:
    """One job and all that was sent and came of it."""

    id: str
    asked: Mapping[str, str]
    entity: Entity
    key: Field | None
    version: int
    created: str
    state: str = OPEN
    fault: str = ""
    error: str = ""
    content: bytes | None = None
    header: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    """Of as many rows as are processed, in their order."""
    shares_left: int = 0

    @property
    def operation(self) -> str:
        """What is done with each record."""
        return self.asked["operation"]

    def failed(self) -> int:
        """How many processed records were refused."""
        return sum(not result["success"] for result in self.results)


class Jobs:
    """The jobs of an org."""

    def __init__(self, desk: Desk, settings: SalesforceSettings) -> None:
        self._desk = desk
        self.settings = settings
        self._running: dict[str, Job] = {}
        self._batches = 0
        self.by_id: dict[str, Job] = {}

    def create(self, asked: Mapping[str, str], entity: Entity, key: Field | None, *, version: int, now: str) -> Job:
        """Open a job."""
        if self.batches_left() <= 0:
            raise refuse(400, "EXCEEDEDQUOTA", "ApiBatchItems Limit exceeded.")
        job = Job(new_id("750", len(self.by_id) + 1), asked, entity, key, version, now)
        self.by_id[job.id] = job
        return job

    def batches_left(self) -> int:
        """How many batches may still be made today."""
        return max(0, self.settings.job_batches - self._batches)

    def close(self, job: Job) -> None:
        """Begin to process what was uploaded."""
        job.state = CLOSED
        job.header, job.rows, job.error = read_rows(job.content or b"", job.asked, job.entity)
        self._batches += -(-len(job.rows) // _BATCH)
        kinds = ("job_stuck", "job_failed", "job_aborted")
        job.fault = next((kind for kind in kinds if self._desk.faults.record(kind)), "")
        job.shares_left = self.settings.job_requests + 2
        self._running[job.id] = job
        if not job.error:
            self._process(job)

    def abort(self, job: Job) -> None:
        """Stop a job; what is written stays written."""
        job.state = ABORTED
        self._running.pop(job.id, None)

    def delete(self, job: Job) -> None:
        """Forget a job that has ended."""
        del self.by_id[job.id]

    def pass_time(self) -> None:
        """Move every job in progress one share on."""
        for job in [*self._running.values()]:
            self._move(job)

    def _move(self, job: Job) -> None:
        if job.error:
            self._end(job, FAILED)
        elif job.shares_left <= 1 and job.fault != "job_stuck":
            self._finish(job)
        else:
            job.state = RUNNING
            self._process(job)

    def _finish(self, job: Job) -> None:
        if job.fault == "job_failed":
            job.error = "InternalServerError : An unexpected error occurred while the job was processed"
        else:
            self._process(job)
        self._end(job, {"job_failed": FAILED, "job_aborted": ABORTED}.get(job.fault, DONE))

    def _end(self, job: Job, state: str) -> None:
        job.state = state
        job.content = None
        del self._running[job.id]

    def _process(self, job: Job) -> None:
        """Write the next share of the records; a job that is struck by a fault stops half-way."""
        end = len(job.rows) if not job.fault else len(job.rows) // 2
        done = len(job.results)
        share = -(-(end - done) // max(1, job.shares_left))
        job.shares_left -= 1
        for start in range(done, done + share, _CHUNK):
            job.results += write(job, job.rows[start : min(start + _CHUNK, done + share)])


def write(job: Job, rows: Iterable[Row]) -> list[Result]:
    """Write records that are written together; what became of each."""
    records = [{name: value_of(cell) for name, cell in zip(job.header, row, strict=True) if cell} for row in rows]
    if job.operation == "insert":
        return [create_one(job.entity, record) for record in records]
    if job.key is not None:
        keys = [_text(record, job.key.name) for record in records]
        times = Counter(key.lower() for key in keys if key)
        return [
            upsert_one(job.entity, job.key, record, key, sole=times[(key or "").lower()] < 2)
            for record, key in zip(records, keys, strict=True)
        ]
    ids = [_text(record, "Id") or "" for record in records]
    if job.operation == "update":
        once = Counter(ids)
        return [update_one(job.entity, record, sole=once[each] < 2) for record, each in zip(records, ids, strict=True)]
    return [delete_one([job.entity], each) for each in ids]


def _text(record: Mapping[str, Any], name: str) -> str | None:
    value = next((value for each, value in record.items() if each.lower() == name.lower()), None)
    return value.strip() or None if isinstance(value, str) else None


def error_text(result: Result) -> str:
    """How a refused record is spoken of in the table of failures: ``CODE:message:Field,Field --``."""
    first: dict[str, Any] = result["errors"][0]
    problem = Problem(first["statusCode"], first["message"], tuple(first["fields"]))
    return f"{problem.code}:{problem.message}:{','.join(problem.fields or ())} --"

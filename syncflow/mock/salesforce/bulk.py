"""Bulk API 2.0, ingest: a job is created, given one table, closed, asked after, and its results are read."""

from __future__ import annotations

from typing import Any

from ..wire import Answer, Call, Routes, json_answer
from .entity import USER_ID, Entity, now_text
from .fields import Field
from .job_rows import DELIMITERS, LINE_ENDINGS, Row, written
from .jobs import ABORTED, CLOSED, ENDED, FAILED, OPEN, Job, error_text
from .org import Salesforce
from .problems import RefusedError, refuse
from .rows import body_object, key_field, version_path

MOST_BYTES = 150_000_000
_PAGE = 1000
_OPERATIONS = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})
_DEFAULTS = {"contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "COMMA"}
_ALLOWED = {
    "operation": _OPERATIONS,
    "contentType": frozenset({"CSV"}),
    "lineEnding": frozenset(LINE_ENDINGS),
    "columnDelimiter": frozenset(DELIMITERS),
}
routes = Routes()


@routes.on("POST", "/jobs/ingest")
def create(org: Salesforce, call: Call) -> Answer:
    """Create a job."""
    asked = {**_DEFAULTS, **{name: each for name, each in body_object(call).items() if each is not None}}
    for name, allowed in _ALLOWED.items():
        if asked.get(name) not in allowed:
            raise refuse(400, "INVALIDJOB", f"{name} must be one of {', '.join(sorted(allowed))}")
    if not isinstance(asked.get("object"), str):
        raise refuse(400, "INVALIDENTITY", "Job object must be specified")
    entity = _entity(org, asked["object"])
    job = org.jobs.create(asked, entity, _key(entity, asked), version=_version(call), now=now_text())
    return json_answer(200, _told(call, job, counts=False))


@routes.on("GET", "/jobs/ingest")
def listed(org: Salesforce, call: Call) -> Answer:
    """List the jobs, a page at a time."""
    start = int(call.query["queryLocator"]) if call.query.get("queryLocator", "").isdecimal() else 0
    jobs = [*org.jobs.by_id.values()]
    more = start + _PAGE < len(jobs)
    next_url = f"{version_path(call)}/jobs/ingest?queryLocator={start + _PAGE}" if more else None
    told = [_told(call, job, counts=False) | {"jobType": "V2Ingest"} for job in jobs[start : start + _PAGE]]
    return json_answer(200, {"done": not more, "records": told, "nextRecordsUrl": next_url})


@routes.on("GET", "/jobs/ingest/{job_id}")
def read(org: Salesforce, call: Call, job_id: str) -> Answer:
    """Tell how a job stands."""
    return json_answer(200, _told(call, _job(org, job_id), counts=True))


@routes.on("PUT", "/jobs/ingest/{job_id}/batches")
def upload(org: Salesforce, call: Call, job_id: str) -> Answer:
    """Take the table of a job, once."""
    job = _job(org, job_id)
    if job.state != OPEN:
        raise refuse(400, "INVALIDJOBSTATE", f"Unable to upload data: the job is in state {job.state}")
    if job.content is not None:
        text = f"Found multiple contents for job: <{job.id}>, please 'Close' / 'Abort' / 'Delete' the current Job"
        raise refuse(400, "INVALIDJOBSTATE", text)
    if "csv" not in call.headers.get("content-type", "").lower():
        raise refuse(415, "UNSUPPORTED_MEDIA_TYPE", "The content type of an upload is text/csv")
    if not call.body:
        raise refuse(400, "INVALID_INPUT", "The upload is empty")
    if len(call.body) > MOST_BYTES:
        raise refuse(413, "REQUEST_LIMIT_EXCEEDED", "The upload is larger than 150 MB")
    job.content = call.body
    return Answer(201)


@routes.on("PATCH", "/jobs/ingest/{job_id}")
def change(org: Salesforce, call: Call, job_id: str) -> Answer:
    """Close a job, so that it is processed, or abort it."""
    job, state = _job(org, job_id), body_object(call).get("state")
    if state == CLOSED and job.state == OPEN:
        if job.content is None:
            raise refuse(400, "INVALIDJOBSTATE", "The job has no data: upload it before the job is closed")
        org.jobs.close(job)
    elif state == ABORTED and job.state not in ENDED:
        org.jobs.abort(job)
    elif state not in {CLOSED, ABORTED}:
        raise refuse(400, "INVALIDJOB", "state must be UploadComplete or Aborted")
    else:
        raise refuse(400, "INVALIDJOBSTATE", f"A job in state {job.state} cannot be set to {state}")
    return json_answer(200, _told(call, job, counts=False))


@routes.on("DELETE", "/jobs/ingest/{job_id}")
def delete(org: Salesforce, call: Call, job_id: str) -> Answer:
    """Delete a job that has ended."""
    job = _job(org, job_id)
    if job.state not in ENDED:
        raise refuse(400, "INVALIDJOBSTATE", f"A job in state {job.state} cannot be deleted")
    org.jobs.delete(job)
    return Answer(204)


@routes.on("GET", "/jobs/ingest/{job_id}/successfulResults")
def successful(org: Salesforce, call: Call, job_id: str) -> Answer:
    """Tell of the records that were written."""
    job = _ended(org, job_id)
    rows = [
        [result["id"], "true" if result.get("created", job.operation == "insert") else "false", *row]
        for row, result in zip(job.rows, job.results, strict=False)
        if result["success"]
    ]
    if rows and org.desk.faults.record("stranger"):
        rows.append([rows[0][0][:-3] + "AAA", "true", *("stranger" for _ in job.header)])
    return _results(org, job, ["sf__Id", "sf__Created"], rows)


@routes.on("GET", "/jobs/ingest/{job_id}/failedResults")
def failed(org: Salesforce, call: Call, job_id: str) -> Answer:
    """Tell of the records that were refused."""
    job = _ended(org, job_id)
    rows = [
        ["", error_text(result), *row]
        for row, result in zip(job.rows, job.results, strict=False)
        if not result["success"]
    ]
    return _results(org, job, ["sf__Id", "sf__Error"], rows)


@routes.on("GET", "/jobs/ingest/{job_id}/unprocessedRecords")
def unprocessed(org: Salesforce, call: Call, job_id: str) -> Answer:
    """Tell of the records that the job did not come to."""
    job = _ended(org, job_id)
    return _results(org, job, [], job.rows[len(job.results) :])


def _results(org: Salesforce, job: Job, first: list[str], rows: list[Row]) -> Answer:
    """The vendor promises no order, so there is none."""
    told = org.desk.faults.left_out(rows)
    org.desk.random.shuffle(told)
    return Answer(200, written(job.asked, [*first, *job.header], told), type="text/csv")


def _job(org: Salesforce, job_id: str) -> Job:
    job = org.jobs.by_id.get(job_id) or next((each for each in org.jobs.by_id.values() if each.id[:15] == job_id), None)
    if job is None:
        raise refuse(404, "NOT_FOUND", "The requested resource does not exist")
    return job


def _ended(org: Salesforce, job_id: str) -> Job:
    job = _job(org, job_id)
    if job.state not in ENDED:
        raise refuse(400, "INVALIDJOBSTATE", f"Results are not ready: the job is in state {job.state}")
    return job


def _entity(org: Salesforce, name: str) -> Entity:
    found = next((entity for entity in org.entities.values() if entity.name.lower() == name.lower()), None)
    if found is None:
        raise refuse(400, "INVALIDENTITY", f"{name} is not a valid entity")
    return found


def _key(entity: Entity, asked: dict[str, Any]) -> Field | None:
    if asked["operation"] != "upsert":
        return None
    name = asked.get("externalIdFieldName")
    if not isinstance(name, str) or not name:
        raise refuse(400, "INVALIDJOB", "External ID was blank for " + entity.name)
    try:
        return key_field(entity, name)
    except RefusedError:
        raise refuse(400, "INVALIDJOB", f"Field name provided, {name} does not match an External ID") from None


def _version(call: Call) -> int:
    return int(call.path.split("/")[3][1:].split(".")[0])


def _told(call: Call, job: Job, *, counts: bool) -> dict[str, Any]:
    """A job as it is told of; ``counts`` are told to those who ask after one."""
    asked = {name: job.asked[name] for name in ("operation", "contentType", "lineEnding", "columnDelimiter")}
    told: dict[str, Any] = {
        "id": job.id,
        "object": job.entity.name,
        "createdById": USER_ID,
        "createdDate": job.created,
        "systemModstamp": job.created,
        "state": job.state,
        "concurrencyMode": "Parallel",
        **asked,
        "apiVersion": float(job.version),
    }
    if job.key is not None:
        told["externalIdFieldName"] = job.key.name
    if job.state == OPEN:
        told["contentUrl"] = f"{version_path(call).lstrip('/')}/jobs/ingest/{job.id}/batches"
    if counts:
        times = dict.fromkeys(("totalProcessingTime", "apiActiveProcessingTime", "apexProcessingTime"), 1)
        numbers = {"numberRecordsProcessed": len(job.results), "numberRecordsFailed": job.failed()}
        told |= {"jobType": "V2Ingest", "retries": 0, **times, **numbers}
    if job.error and job.state == FAILED:
        told["errorMessage"] = job.error
    return told

"""The mock Salesforce takes jobs of Bulk API 2.0: their states, their tables, and the faults that strike them."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import pytest

from .kit import Asker

BASE = "/salesforce/services/data/v67.0"
JOBS = f"{BASE}/jobs/ingest"
SIGNED_IN = {"Authorization": "Bearer demo"}
UPSERT = {"object": "Contact", "operation": "upsert", "externalIdFieldName": "External_Id__c"}
TABLE = "External_Id__c,LastName\nA1,Lovelace\nA2,Hopper\nA3,\nA4,Noether\n"


class Client:
    """One who speaks of jobs."""

    def __init__(self, **settings: Any) -> None:
        self.asker = Asker({"salesforce": settings})

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        headers = {**SIGNED_IN, **request.pop("headers", {})}
        return self.asker.ask(method, JOBS + path, headers=headers, **request)

    def create(self, **asked: Any) -> str:
        made = self.send("POST", "", json={**UPSERT, **asked}).json()
        return str(made["id"])

    def upload(self, job: str, table: str) -> httpx.Response:
        return self.send("PUT", f"/{job}/batches", content=table.encode(), headers={"Content-Type": "text/csv"})

    def closed(self, table: str = TABLE, **asked: Any) -> str:
        job = self.create(**asked)
        assert self.upload(job, table).status_code == 201
        assert self.send("PATCH", f"/{job}", json={"state": "UploadComplete"}).json()["state"] == "UploadComplete"
        return job

    def states(self, job: str, times: int) -> list[str]:
        return [self.send("GET", f"/{job}").json()["state"] for _ in range(times)]

    def rows(self, job: str, kind: str, delimiter: str = ",") -> list[dict[str, str]]:
        return [*csv.DictReader(io.StringIO(self.send("GET", f"/{job}/{kind}").text), delimiter=delimiter)]

    def keys(self, job: str, kind: str) -> list[str]:
        return sorted(row["External_Id__c"] for row in self.rows(job, kind))

    def held(self) -> dict[str, Any]:
        records = self.asker.mock.salesforce.records()["Contact"]
        return {record["External_Id__c"]: record for record in records}


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    problem = answer.json()[0]
    return answer.status_code, problem["errorCode"], problem["message"]


def test_a_job_is_created_open_with_a_place_to_upload_to() -> None:
    answer = Client().send("POST", "", json={**UPSERT, "contentType": "CSV"})
    made = answer.json()
    assert answer.status_code == 200
    assert made["id"].startswith("750")
    assert made["contentUrl"] == f"services/data/v67.0/jobs/ingest/{made['id']}/batches"
    told = ("state", "object", "operation", "externalIdFieldName", "apiVersion", "lineEnding", "columnDelimiter")
    assert [made[name] for name in told] == ["Open", "Contact", "upsert", "External_Id__c", 67.0, "LF", "COMMA"]


def test_a_job_that_is_closed_ends_with_a_result_for_each_record() -> None:
    client = Client()
    job = client.closed()
    assert client.states(job, 3) == ["InProgress", "JobComplete", "JobComplete"]
    told = client.send("GET", f"/{job}").json()
    assert (told["jobType"], told["numberRecordsProcessed"], told["numberRecordsFailed"]) == ("V2Ingest", 4, 1)
    assert client.keys(job, "successfulResults") == ["A1", "A2", "A4"]
    assert {row["sf__Created"] for row in client.rows(job, "successfulResults")} == {"true"}
    error = "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
    assert client.rows(job, "failedResults") == [
        {"sf__Id": "", "sf__Error": error, "External_Id__c": "A3", "LastName": ""}
    ]
    assert client.rows(job, "unprocessedrecords") == []
    assert sorted(client.held()) == ["A1", "A2", "A4"]


def test_empty_cells_leave_a_field_as_it_is_and_a_mark_clears_it() -> None:
    client = Client(job_requests=0)
    client.states(client.closed("External_Id__c,LastName,FirstName,Email\nA1,Lovelace,Ada,a@b.example\n"), 1)
    job = client.closed("External_Id__c,LastName,FirstName,Email\nA1,King,,#N/A\n")
    assert client.states(job, 1) == ["JobComplete"]
    held = client.held()["A1"]
    assert (held["LastName"], held["FirstName"], held["Email"]) == ("King", "Ada", None)


@pytest.mark.parametrize("operation", ["delete", "hardDelete"])
def test_records_are_created_changed_and_deleted_by_id(operation: str) -> None:
    client = Client(job_requests=0)
    made = client.closed("LastName\nLovelace\n", operation="insert")
    client.states(made, 1)
    record = client.rows(made, "successfulResults")[0]["sf__Id"]
    changed = client.closed(f"Id,LastName\n{record},King\n", operation="update")
    client.states(changed, 1)
    assert client.rows(changed, "successfulResults")[0]["sf__Created"] == "false"
    gone = client.closed(f"Id\n{record}\n003Hp000000000zIAA\n", operation=operation)
    client.states(gone, 1)
    assert [row["sf__Id"] for row in client.rows(gone, "successfulResults")] == [record]
    assert client.rows(gone, "failedResults")[0]["sf__Error"].startswith("INVALID_CROSS_REFERENCE_KEY:")
    assert client.asker.mock.salesforce.records()["Contact"] == []


def test_a_job_speaks_its_own_dialect_of_csv() -> None:
    client = Client(job_requests=0)
    table = 'External_Id__c;LastName\r\nA1;"a;b\r\nc"\r\n'
    job = client.closed(table, columnDelimiter="SEMICOLON", lineEnding="CRLF")
    client.states(job, 1)
    assert client.held()["A1"]["LastName"] == "a;b\r\nc"
    assert client.rows(job, "successfulResults", ";")[0]["LastName"] == "a;b\r\nc"


@pytest.mark.parametrize(
    ("table", "error"),
    [
        ("External_Id__c,LastName\r\nA1,x\r\n", "ClientInputError : LineEnding is invalid on user data."),
        ("External_Id__c,Foo__c\nA1,x\n", "InvalidBatch : Field name not found : Foo__c"),
        ("External_Id__c,LastName\nA1\n", "InvalidBatch : row 1 has 1 columns, the header has 2"),
    ],
)
def test_a_table_that_cannot_be_read_fails_the_job(table: str, error: str) -> None:
    client = Client()
    job = client.closed(table)
    assert client.states(job, 1) == ["Failed"]
    assert client.send("GET", f"/{job}").json()["errorMessage"].startswith(error)
    assert client.held() == {}


def test_a_key_that_comes_twice_among_records_that_are_written_together_is_refused_twice() -> None:
    client = Client(job_requests=0)
    job = client.closed("External_Id__c,LastName\nA1,x\na1,y\nA2,z\n")
    client.states(job, 1)
    assert client.keys(job, "failedResults") == ["A1", "a1"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"object": "Nothing__c"}, "INVALIDENTITY"),
        ({"object": None}, "INVALIDENTITY"),
        ({"operation": "merge"}, "INVALIDJOB"),
        ({"externalIdFieldName": None}, "INVALIDJOB"),
        ({"externalIdFieldName": "LastName"}, "INVALIDJOB"),
        ({"contentType": "XML"}, "INVALIDJOB"),
        ({"columnDelimiter": ","}, "INVALIDJOB"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(asked: dict[str, Any], code: str) -> None:
    answer = Client().send("POST", "", json={**UPSERT, **asked})
    assert refused(answer)[:2] == (400, code)


def test_a_job_takes_one_table_and_only_while_it_is_open() -> None:
    client = Client(job_requests=5)
    job = client.create()
    assert refused(client.send("PATCH", f"/{job}", json={"state": "UploadComplete"}))[1] == "INVALIDJOBSTATE"
    assert client.upload(job, TABLE).status_code == 201
    assert refused(client.upload(job, TABLE))[1] == "INVALIDJOBSTATE"
    client.send("PATCH", f"/{job}", json={"state": "UploadComplete"})
    assert refused(client.upload(job, TABLE))[:2] == (400, "INVALIDJOBSTATE")
    assert refused(client.send("GET", f"/{job}/successfulResults"))[1] == "INVALIDJOBSTATE"


def test_a_job_that_is_aborted_tells_which_records_it_did_not_come_to() -> None:
    client = Client(job_requests=3)
    job = client.closed()
    assert client.send("PATCH", f"/{job}", json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert client.keys(job, "successfulResults") == ["A1", "A2"]
    assert client.keys(job, "unprocessedrecords") == ["A3", "A4"]
    assert refused(client.send("PATCH", f"/{job}", json={"state": "UploadComplete"}))[1] == "INVALIDJOBSTATE"


def test_jobs_are_listed_and_deleted_once_they_ended() -> None:
    client = Client()
    job = client.closed()
    assert refused(client.send("DELETE", f"/{job}"))[1] == "INVALIDJOBSTATE"
    client.states(job, 2)
    listed = client.send("GET", "").json()
    assert (listed["done"], listed["nextRecordsUrl"], [each["id"] for each in listed["records"]]) == (True, None, [job])
    assert client.send("DELETE", f"/{job}").status_code == 204
    assert client.send("GET", f"/{job}").status_code == 404


def test_a_job_goes_on_while_nobody_asks_after_it() -> None:
    client = Client()
    client.closed()
    for _ in range(2):
        client.asker.ask("GET", f"{BASE}/limits", headers=SIGNED_IN)
    assert sorted(client.held()) == ["A1", "A2", "A4"]


@pytest.mark.parametrize(
    ("fault", "states"),
    [
        ("job_stuck", ["InProgress"] * 4),
        ("job_failed", ["InProgress", "Failed", "Failed", "Failed"]),
        ("job_aborted", ["InProgress", "Aborted", "Aborted", "Aborted"]),
    ],
)
def test_a_job_that_is_struck_stops_half_way(fault: str, states: list[str]) -> None:
    client = Client(faults={fault: 1})
    job = client.closed()
    assert client.states(job, 4) == states
    client.send("PATCH", f"/{job}", json={"state": "Aborted"})
    assert client.keys(job, "successfulResults") == ["A1", "A2"]
    assert client.keys(job, "unprocessedrecords") == ["A3", "A4"]


@pytest.mark.parametrize(("fault", "count"), [("left_out", 2), ("stranger", 4)])
def test_results_lack_a_record_or_list_a_stranger(fault: str, count: int) -> None:
    client = Client(job_requests=0, faults={fault: 1})
    job = client.closed()
    client.states(job, 1)
    assert len(client.rows(job, "successfulResults")) == count


def test_locked_records_are_among_the_failures() -> None:
    client = Client(job_requests=0, faults={"lock": 1})
    job = client.closed("External_Id__c,LastName\nA1,x\n")
    client.states(job, 1)
    assert client.rows(job, "failedResults")[0]["sf__Error"].startswith("UNABLE_TO_LOCK_ROW:")


def test_a_day_has_so_many_batches() -> None:
    client = Client(job_batches=1)
    client.closed()
    assert refused(client.send("POST", "", json=UPSERT)) == (400, "EXCEEDEDQUOTA", "ApiBatchItems Limit exceeded.")
    limits = client.asker.ask("GET", f"{BASE}/limits", headers=SIGNED_IN).json()
    assert limits["DailyBulkApiBatches"] == {"Max": 1, "Remaining": 0}

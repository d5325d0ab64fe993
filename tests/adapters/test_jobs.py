"""Jobs in the adapter language: what is wrong is said, and each request is as the adapter says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from syncflow.adapters.bodies import PAGE_ROWS, Table
from syncflow.adapters.gate import OpenGate
from syncflow.compiler.wire.system import check_adapter
from syncflow.events import Job, JobAnswer, Outcome, Verdict
from tests.adapters.kit import Network, client, delivery, plan, written

ADAPTER = """
adapter: small
base_url: https://small.test
objects: {Contact: {keys: [ext]}}
operations:
  upsert:
    repeat: safe
    job:
      start: {request: {post: /jobs, json: {kind: object, key: key.name}}, ok: number, id: number, keep: {place: where}}
      upload: {request: {put: "/rows/{{ job.place }}", csv: {each: payload}, cells: {delimiter: semicolon, line_end: crlf, empty: "#N/A"}}}
      close: {request: {patch: "/jobs/{{ job.id }}"}}
      poll:
        request: {get: "/jobs/{{ job.id }}"}
        until: state == 'done'
        failed: state == 'failed'
        open: state == 'open'
        code: code
        message: words
      results:
        - request: {get: "/jobs/{{ job.id }}/done"}
          answer: {body: ndjson, results: {match: ext, with: key.value, vendor_id: id}}
        - request: {get: "/jobs/{{ job.id }}/bad"}
          answer: {body: csv, failures: {match: ext, with: key.value, code: why}}
      abort: {request: {delete: "/jobs/{{ job.id }}"}, answer: {ok: gone}}
outcomes:
  - {code: too_wide, then: stop}
"""
JOB = Job("j1", "small", "Contact", "upsert", "ext", "starting", 0.0, (1, 2), vendor_id="7", kept={"place": "p q"})
DELIVERIES = [
    delivery(1, key="a", payload={"ext": "a", "name": None, "old": True}),
    delivery(2, key="b", payload={"ext": "b", "name": "x;y"}),
]


def _asked(
    tmp_path: Path, what: str, exchange: list[dict[str, Any]], text: str = ADAPTER, deliveries: Any = None
) -> JobAnswer:
    system = plan(written(text, tmp_path))
    operation = system.operations["upsert"]

    async def main() -> JobAnswer:
        async with client(system, Network(exchange), gate=OpenGate()) as opened:
            answer: JobAnswer = await getattr(opened.jobs, what)(operation, JOB, deliveries or DELIVERIES)
            return answer

    return asyncio.run(main())


def test_each_request_is_as_the_adapter_says(tmp_path: Path) -> None:
    sent: dict[str, Any] = {"post": "/jobs", "json": {"kind": "Contact", "key": "ext"}}
    started = _asked(tmp_path, "start", [{"sent": sent, "got": {"status": 200, "json": {"number": 7, "where": "p"}}}])
    assert (started.how, started.vendor_id, started.kept) == ("good", "7", {"place": "p"})
    sent = {
        "put": "/rows/p%20q",
        "text": 'ext;name;old\r\na;#N/A;true\r\nb;"x;y";\r\n',
        "headers": {"content-type": "text/csv"},
    }
    assert _asked(tmp_path, "upload", [{"sent": sent, "got": {"status": 201}}]).how == "good"
    assert _asked(tmp_path, "close", [{"sent": {"patch": "/jobs/7"}, "got": {"status": 204}}]).how == "good"
    assert (
        _asked(
            tmp_path, "abort", [{"sent": {"delete": "/jobs/7"}, "got": {"status": 200, "json": {"gone": False}}}]
        ).how
        == "refused"
    )


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"state": "open"}, "open"),
        ({"state": "done"}, "done"),
        ({"state": "busy"}, "running"),
        ({}, "running"),
        ([], "running"),
    ],
)
def test_how_a_job_stands_is_read_from_the_answer(body: Any, state: str, tmp_path: Path) -> None:
    answer = _asked(tmp_path, "poll", [{"got": {"status": 200, "json": body}}])
    assert (answer.how, answer.state, answer.outcome) == ("good", state, None)


def test_rules_say_what_the_fault_of_a_job_means(tmp_path: Path) -> None:
    plain = _asked(
        tmp_path, "poll", [{"got": {"status": 200, "json": {"state": "failed", "code": "oops", "words": "no"}}}]
    )
    assert plain.outcome is not None
    assert (plain.state, plain.outcome.verdict, plain.outcome.message, plain.signal) == (
        "failed",
        Verdict.RETRY,
        "no",
        None,
    )
    ruled = _asked(tmp_path, "poll", [{"got": {"status": 200, "json": {"state": "failed", "code": "too_wide"}}}])
    assert ruled.signal is not None
    assert ruled.signal.kind == "stop"


def test_results_tell_of_some_each_and_strangers_are_counted(tmp_path: Path) -> None:
    exchange = [
        {"got": {"status": 200, "text": '{"ext": "a", "id": 5}\n{"ext": "who", "id": 6}\n'}},
        {"got": {"status": 200, "text": "ext,why\nnobody,BAD\n"}},
    ]
    answer = _asked(tmp_path, "results", exchange)
    assert (answer.how, answer.outcomes, answer.strangers) == (
        "good",
        {1: Outcome(Verdict.DELIVERED, vendor_id="5")},
        2,
    )


TABLES = ADAPTER.replace("body: ndjson", "body: csv")


def test_a_table_of_many_rows_tells_of_each_record_once(tmp_path: Path) -> None:
    """Two rows of one record stand in different pages of it, a row is short, one is blank and one tells of nobody."""
    many = [delivery(number, key=f"k{number}", payload={"ext": f"k{number}"}) for number in range(1, 2 * PAGE_ROWS + 2)]
    told = [f"{number},k{number}" for number in range(1, 2 * PAGE_ROWS + 1)]
    done = "\n".join(["id,ext", *told, "", "x", "9,who", "99,k1"])
    exchange = [
        {"got": {"status": 200, "text": f"{done}\n"}},
        {"got": {"status": 200, "text": f"ext,why\nk{2 * PAGE_ROWS + 1},BAD\n"}},
    ]
    answer = _asked(tmp_path, "results", exchange, TABLES, many)
    assert (answer.how, answer.strangers, len(answer.outcomes)) == ("good", 2, 2 * PAGE_ROWS + 1)
    assert answer.outcomes[PAGE_ROWS + 7] == Outcome(Verdict.DELIVERED, vendor_id=str(PAGE_ROWS + 7))
    assert (answer.outcomes[1].verdict, answer.outcomes[1].code) == (Verdict.RETRY, "several")
    assert (answer.outcomes[2 * PAGE_ROWS + 1].verdict, answer.outcomes[2 * PAGE_ROWS + 1].code) == (
        Verdict.REJECTED,
        "BAD",
    )


@pytest.mark.parametrize(
    "text", ["<html>no</html>", "id,ext\n" + "a" * 200_000 + ",k\n"], ids=["html", "too long a cell"]
)
def test_a_table_that_is_none_proves_nothing(text: str, tmp_path: Path) -> None:
    answer = _asked(tmp_path, "results", [{"got": {"status": 200, "text": text}}], TABLES)
    assert (answer.how, answer.outcomes) == ("later", {})
    assert answer.outcome is not None
    assert answer.outcome.code == "unreadable_answer"


def test_of_a_large_table_a_page_is_held_at_once() -> None:
    rows = 3 * PAGE_ROWS + 5
    table = Table(b"\xef\xbb\xbfid,name\r\n" + b"".join(b'%d,"a\nb"\r\n' % number for number in range(rows)))
    for _ in range(2):
        pages = [*table]
        assert [len(page) for page in pages] == [PAGE_ROWS] * 3 + [5]
        assert pages[3][4] == {"id": str(rows - 1), "name": "a\nb"}


@pytest.mark.parametrize(
    ("what", "got", "how"),
    [
        ("start", {"status": 200, "json": {"number": 0}}, "refused"),
        ("start", {"status": 503}, "later"),
        ("start", {"fail": "refused"}, "later"),
        ("start", {"fail": "lost"}, "unknown"),
        ("upload", {"fail": "lost"}, "unknown"),
        ("upload", {"status": 500}, "unknown"),
        ("upload", {"status": 429, "headers": {"Retry-After": "3"}}, "later"),
        ("upload", {"status": 400}, "split"),
        ("poll", {"status": 404}, "refused"),
        ("poll", {"status": 200, "text": "<html>"}, "later"),
        ("results", {"status": 200, "text": "<html>"}, "later"),
        ("results", {"status": 404}, "split"),
    ],
)
def test_what_an_answer_says_of_the_request(what: str, got: dict[str, Any], how: str, tmp_path: Path) -> None:
    assert _asked(tmp_path, what, [{"got": got}]).how == how


def test_a_record_of_which_no_line_can_be_made_is_named(tmp_path: Path) -> None:
    text = ADAPTER.replace(
        "csv: {each: payload}", 'csv: {each: {ext: payload.ext, made: "to_fixed(payload.size, `2`)"}}'
    )
    text = text.replace("to_fixed(payload.size, `2`)", "abs(payload.size)")
    good = delivery(1, payload={"ext": "a", "size": -1})
    bad = delivery(2, payload={"ext": "b", "size": "x"})
    answer = _asked(tmp_path, "upload", [], text, [good, bad])
    assert answer.how == "later"
    assert list(answer.outcomes) == [2]
    assert answer.outcomes[2].verdict is Verdict.REJECTED


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("until: state == 'done'", "until: \"`true`\"", "`true` is the same for every answer: the job would never end, or end at once"),
        ("csv: {each: payload}", "csv: [{a: {value: 1}}]", "nothing of the records is in what upload sends"),
        ("{{ job.place }}", "{{ job.plase }}", "job has no plase"),
        ('patch: "/jobs/{{ job.id }}"', 'patch: "/jobs/{{ deliveries[0].key.value }}"', "nothing here is called deliveries"),
        ("json: {kind: object", "json: {kind: job.id", "nothing here is called job"),
    ],
)  # fmt: skip
def test_what_cannot_go_well_is_said(old: str, new: str, says: str, tmp_path: Path) -> None:
    found = check_adapter(written(ADAPTER.replace(old, new), tmp_path))
    assert [each.message for each in found] == [says]


def test_an_upload_that_is_too_large_is_not_sent(tmp_path: Path) -> None:
    text = ADAPTER.replace("    job:\n", "    job:\n      bytes: 20B\n")
    answer = _asked(tmp_path, "upload", [], text)
    assert (answer.how, answer.outcome and answer.outcome.code) == ("split", "too_large")
    alone = [{"got": {"status": 201}}]
    assert _asked(tmp_path, "upload", alone, text, DELIVERIES[:1]).how == "good"

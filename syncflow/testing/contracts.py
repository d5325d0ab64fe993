"""Run the ``tests:`` of an adapter: what was sent, what came back and what it means, compared with what the file says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import orjson

from syncflow.adapters.scripted import Asked, Reply
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.contracts import AdapterTest, Exchange, ExpectedOutcome, ExpectedRequest, ScriptedAnswer
from syncflow.events import BatchResult, Outcome
from syncflow.testing.fake_system import BASE_URL, FakeSystem, adopting, fake_batch, fake_plan


def run_contract(adapter: Document[AdapterFile], test: AdapterTest) -> list[str]:
    """Return what is not as a test of the adapter says.

    Raises:
        ProjectError: the adapter does not compile, or takes no such settings.
    """
    script = _Script(list(test.exchange))
    plan = fake_plan(adapter, auth=test.auth, options=test.options)
    stand_in = FakeSystem(adapter, plan, script.answer, signs_in=not test.auth, reads_tables=True)
    records = [
        (one.key or f"K{number}", dict(one.payload), one.vendor_id) for number, one in enumerate(test.records, start=1)
    ]
    batch = fake_batch(adapter.model, test.operation, records, object_name=test.object, key_name=test.key_name)
    if test.adopt:
        stand_in.plan = adopting(plan, test.adopt, keys=[batch.key_name])
    result = stand_in.send(batch)[0]
    unsent = [f"{len(script.left)} expected requests were not sent"] if script.left else []
    return [*script.problems, *unsent, *_result_problems(test, result)]


class _Script:
    """Answers in turn, and notes what is not as expected."""

    def __init__(self, left: list[Exchange]) -> None:
        self.left = left
        self.number = 0
        self.problems: list[str] = []

    def answer(self, asked: Asked) -> Reply:
        self.number += 1
        if not self.left:
            self.problems.append(f"request {self.number} was not expected: {asked.method} {asked.path}")
            return Reply(500)
        exchange = self.left.pop(0)
        self.problems += [f"request {self.number}: {problem}" for problem in _request_problems(exchange.sent, asked)]
        return _reply(exchange.got)


def _reply(got: ScriptedAnswer) -> Reply:
    text = got.text or ""
    if "json_body" in got.model_fields_set:
        text = orjson.dumps(got.json_body).decode()
    return Reply(got.status, text, dict(got.headers), got.fail)


def _request_problems(expected: ExpectedRequest, asked: Asked) -> Iterator[str]:
    path = asked.path.removeprefix(urlsplit(BASE_URL).path)
    for what, wanted, sent in zip(("method", "path"), expected.line, (asked.method, path), strict=True):
        if wanted is not None:
            yield from _unlike(what, wanted, sent)
    if expected.query is not None:
        yield from _unlike("query", expected.query, dict(asked.query))
    for name, value in expected.headers.items():
        yield from _unlike(f"header {name}", value, asked.headers.get(name.lower()))
    if expected.text is not None:
        yield from _unlike("body", expected.text, asked.text)
    if "json_body" in expected.model_fields_set:
        try:
            found: Any = orjson.loads(asked.text)
        except orjson.JSONDecodeError:
            found = asked.text
        yield from _unlike("body", expected.json_body, found)


def _result_problems(test: AdapterTest, result: BatchResult) -> Iterator[str]:
    kind = result.signal.kind if result.signal else None
    yield from _unlike("signal", test.signal, kind)
    if kind == "split" or not test.outcomes:
        return
    if len(test.outcomes) != len(result.outcomes):
        yield f"{len(test.outcomes)} outcomes for {len(result.outcomes)} records"
        return
    for number, (expected, outcome) in enumerate(zip(test.outcomes, result.outcomes, strict=True), start=1):
        wanted = ExpectedOutcome(verdict=expected) if isinstance(expected, str) else expected
        yield from (f"record {number}: {problem}" for problem in _outcome_problems(wanted, outcome))


def _outcome_problems(expected: ExpectedOutcome, outcome: Outcome) -> Iterator[str]:
    yield from _unlike("verdict", expected.verdict, outcome.verdict.value)
    if expected.message is not None and expected.message not in outcome.message:
        yield from _unlike("message", expected.message, outcome.message)
    found = {"code": outcome.code, "vendor_id": outcome.vendor_id, "wait": outcome.wait_seconds}
    for name, value in found.items():
        wanted = getattr(expected, name)
        if wanted is not None:
            yield from _unlike(name, wanted, value)


def _unlike(what: str, expected: Any, found: Any) -> Iterator[str]:
    if expected != found:
        yield f"{what}: expected {_shown(expected)}, found {_shown(found)}"


def _shown(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()

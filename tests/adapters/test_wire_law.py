"""Law 2 on the wire: whatever valid records hold, each request of each shipped adapter is one that HTTP can carry, and says exactly
the typed values of its records; a record that cannot be sent is a dead letter, and costs the others nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import OpenGate
from syncflow.adapters.http import open_client
from syncflow.compiler.wire.system import SystemPlan
from syncflow.config.documents import Document
from syncflow.config.models.adapter import AdapterFile
from syncflow.events import Action, Batch, BatchResult, Outcome, Verdict
from syncflow.testing import VirtualClock, run_virtually
from syncflow.testing.fake_system import fake_batch, fake_plan
from tests.adapters.kit import adapter
from tests.adapters.test_plans import ADAPTERS
from tests.effort import examples

_TEXT = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\"'\\/?#%&=+;,{}[]<>\r\n\t\0\u2028 é"), max_size=12
)
_KEYS = _TEXT.filter(bool) | st.sampled_from(
    ["A1", "a b", "a/b", "..", ".", "%2e%2e", "ada+x@example.org", "Ünïcode", "x" * 300, "a\r\nX: y"]
)
_VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT
    | st.lists(_TEXT, max_size=2)
)
_NAMES = st.sampled_from(["first_name", "Email", "score__c", "vip", "note", "ünï", "with space"])
_PAYLOADS = st.dictionaries(_NAMES, _VALUES, max_size=4)
_RECORDS = st.lists(st.tuples(_KEYS, _PAYLOADS, st.none() | st.text("ab09-", min_size=1, max_size=8)), min_size=1, max_size=4,
                    unique_by=lambda record: record[0].lower())  # fmt: skip


@cache
def shipped(path: Path) -> tuple[Document[AdapterFile], SystemPlan]:
    document = adapter(path)
    return document, fake_plan(document)


@dataclass
class Wire:
    """Takes down each request as it would leave; signs everybody in, and is in trouble else."""

    seen: list[httpx.Request]

    def answer(self, request: httpx.Request) -> httpx.Response:
        token = {
            "access_token": "token-1",
            "instance_url": "http://stand-in.test/base",
            "api_domain": "http://stand-in.test/base",
            "expires_in": 1800,
            "token": "t",
        }
        if b"/token" in request.url.raw_path or b"oauth" in request.url.raw_path:
            return httpx.Response(200, json=token)
        self.seen.append(request)
        return httpx.Response(503, json={})


def sent(plan: SystemPlan, batch: Batch) -> tuple[BatchResult, list[httpx.Request]]:
    wire = Wire([])

    async def main() -> BatchResult:
        async with open_client(transport=httpx.MockTransport(wire.answer)) as http:
            return await SystemClient(plan, http=http, gate=OpenGate(), clock=VirtualClock()).send(batch)

    return run_virtually(main()), wire.seen


def faults_of(request: httpx.Request) -> list[str]:
    """Return what HTTP, or a server, would stumble over."""
    found = [
        f"header {name!r}"
        for name, value in request.headers.raw
        if any(not (byte == 9 or 32 <= byte < 127) for byte in value)
    ]
    raw = request.url.raw_path
    found += [f"address {raw!r}"] if any(not 33 <= byte < 127 for byte in raw) else []
    path = raw.partition(b"?")[0].decode()
    segments = path.split("/")[1:]
    found += [f"segment {segment!r}" for segment in segments if unquote(segment) in {"", ".", ".."}]
    return found if f"{path}/".startswith("/base/") else [*found, f"another place: {path}"]


def values_in(decoded: Any, name: str) -> Iterator[Any]:
    """Yield everything that stands under a name, however deep."""
    if isinstance(decoded, dict):
        for key, value in decoded.items():
            if key == name:
                yield value
            yield from values_in(value, name)
    elif isinstance(decoded, list):
        for entry in decoded:
            yield from values_in(entry, name)


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and (math.isclose(one, other) if isinstance(one, float) else bool(one == other))


def as_sent(value: Any, plan: SystemPlan) -> Any:
    """Return the value that the adapter says is sent in place of one: its own text, or what clears a field."""
    assert plan.details is not None
    if value is None:
        return plan.details.clear
    if not plan.details.text_values or isinstance(value, str):
        return value
    return "true" if value is True else "false" if value is False else value


def is_text_of(found: Any, value: Any, *, all_text: bool) -> bool:
    """Whether a value is sent as its JSON text, where everything is sent as text: the adapter says so, or the body is a form."""
    if not all_text or isinstance(value, str) or not isinstance(found, str):
        return False
    return same(read, value) if type(read := orjson.loads(found)) is type(value) else read == value


def decoded(request: httpx.Request) -> Any:
    """Return the body as its content type says that it is read."""
    kind, body = request.headers.get("content-type", ""), request.content
    if not body:
        return None
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode("ascii"), strict_parsing=True))
    assert kind.startswith(("application/json", "text/csv")), kind
    return orjson.loads(body) if kind.startswith("application/json") else body.decode()


def lost_of(requests: list[httpx.Request], batch: Batch, plan: SystemPlan) -> list[str]:
    """Return the values of payloads that no body says, though some say the field, or that they say of another type."""
    assert plan.details is not None
    lost = []
    bodies = [decoded(request) for request in requests]
    all_text = plan.details.text_values or any("urlencoded" in one.headers.get("content-type", "") for one in requests)
    for delivery in batch.deliveries:
        for name, value in delivery.payload.items():
            there, wanted = list(values_in(bodies, name)), as_sent(value, plan)
            told = not there or any(same(each, wanted) or is_text_of(each, value, all_text=all_text) for each in there)
            lost += [] if told else [f"{name}: {value!r}, found {there!r}"]
    return lost


OPERATIONS = [(path, action) for path in ADAPTERS for action in shipped(path)[1].operations]


@pytest.mark.parametrize(("path", "action"), OPERATIONS, ids=[f"{path.stem} {action}" for path, action in OPERATIONS])
@settings(
    max_examples=examples(12),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(records=_RECORDS, of=st.integers(0, 5))
def test_every_request_can_be_sent_and_says_the_values_of_its_records(
    path: Path, action: Action, records: list[tuple[str, dict[str, Any], str | None]], of: int
) -> None:
    document, plan = shipped(path)
    objects = [name for name in document.model.objects if action in plan.operations_of(name)]
    batch = fake_batch(document.model, action, records, object_name=objects[of % len(objects)])
    result, requests = sent(plan, batch)
    assert [fault for request in requests for fault in faults_of(request)] == []
    for request in requests:
        decoded(request)
    for delivery in batch.deliveries if action != "delete" else ():
        alone = replace(batch, deliveries=(delivery,))
        assert lost_of(sent(plan, alone)[1], alone, plan) == []
    assert [outcome for outcome in result.outcomes if not explained(outcome)] == []
    assert len(result.outcomes) == len(batch.deliveries)


def explained(outcome: Outcome) -> bool:
    """Whether a record waits for a server in trouble, or is a dead letter that says why."""
    if outcome.verdict in {Verdict.RETRY, Verdict.IN_DOUBT}:
        return True
    return outcome.verdict is Verdict.REJECTED and bool(outcome.code and outcome.message)

"""What each shipped adapter asks to read records back, and what the answers come to (``read:``). The cases are in reads.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from syncflow.adapters.gate import OpenGate
from syncflow.compiler.changed import changed_of
from syncflow.compiler.program import RoutePlan
from syncflow.compiler.texts import normaliser
from syncflow.compiler.wire.system import SystemPlan
from syncflow.config.models.schema import ObjectField, ObjectFile
from syncflow.events import Delivery
from syncflow.key_rules import KeyRules
from syncflow.runtime.preview.online import Look, Seen
from syncflow.runtime.preview.steps import Step
from syncflow.testing import run_virtually
from tests.adapters.kit import SHIPPED, Network, client, delivery, load_cases, plan, shipped

SUITES: list[dict[str, Any]] = load_cases(Path(__file__).parent / "reads.yaml")  # type: ignore[assignment]
CASES = [
    pytest.param(suite, case, id=f"{suite['adapter']}: {case['name']}") for suite in SUITES for case in suite["cases"]
]


@pytest.mark.parametrize(("suite", "case"), CASES)
def test_what_is_read_back(suite: dict[str, Any], case: dict[str, Any]) -> None:
    network = Network(list(case["exchange"]), sign_in=suite.get("sign_in", ""))
    payloads = case.get("payload", suite["payload"])
    shared = {**suite["deliveries"], **case.get("each", {})}
    asked = [
        delivery(number, **{**shared, "key": key, "payload": payload})
        for number, (key, payload) in enumerate(payloads.items(), start=1)
    ]
    seen = look(suite, network, asked)
    assert not network.script, "requests that were expected and not sent"
    assert seen.found == {name: case["found"].count(name) for name in case["found"]}
    assert list(seen.fields) == case.get("fields", [])
    assert seen.drifted == sum(name not in {"unchanged", "unknown"} for name in case["found"])
    reasons = " / ".join(seen.reasons)
    assert case.get("reason", "") in reasons
    assert bool(reasons) == ("unknown" in case["found"])
    assert "planted" not in reasons


def test_a_request_asks_for_no_more_than_the_adapter_says_and_for_no_key_twice() -> None:
    suite = next(suite for suite in SUITES if suite["adapter"] == "klaviyo")
    empty = {"got": {"status": 200, "json": {"data": []}}}
    network = Network([empty, empty, empty])
    keys = [*(f"p{number}@example.com" for number in range(41)), "P40@example.com"]
    asked = [
        delivery(number, key=key, payload={"email": key}, **suite["deliveries"])
        for number, key in enumerate(keys, start=1)
    ]
    seen = look(suite, network, asked)
    assert [request.url.params["filter"].count("@") for request in network.seen] == [20, 20, 1]
    assert (seen.requests, seen.found) == (3, {"create": 42})


def look(suite: dict[str, Any], network: Network, asked: Sequence[Delivery]) -> Seen:
    """Read deliveries back that a plan takes for unchanged."""
    system = made(suite["adapter"])
    fields = fields_of(suite["adapter"], asked[0].object)
    route = RoutePlan(
        name="contacts",
        kind="contacts",
        system="crm",
        object=asked[0].object,
        operations={},
        on_leave="keep",
        on_key_change="update",
        key_names=(asked[0].key.name,),
        key_rules=KeyRules({name: normaliser(field) for name, field in fields.items()}),
    )
    steps = [Step(each, "unchanged", is_sent=True) for each in asked]

    async def read() -> Seen:
        async with client(system, network, gate=OpenGate()) as opened:
            looking = Look(route, opened, steps, changed_of(fields))
            await looking.read()
            return looking.seen

    return run_virtually(read())


@cache
def made(adapter: str) -> SystemPlan:
    settings = next(suite["system"] for suite in SUITES if suite["adapter"] == adapter)
    return plan(shipped(adapter), **settings)


@cache
def fields_of(adapter: str, name: str) -> dict[str, ObjectField]:
    text = (SHIPPED / "objects" / f"{adapter}_{name}.yaml").read_text("utf-8")
    return dict(ObjectFile.model_validate(yaml.safe_load(text)).fields)

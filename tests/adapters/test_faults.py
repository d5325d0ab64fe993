"""Every fault against every adapter: what is called delivered is held, a retry mends the rest, and a run ends with what its events say.

Each shipped adapter has a fake of its API in ``vendors/``. ``EVENTS=10000`` before this test makes its runs long.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import OpenGate
from syncflow.adapters.http import open_client
from syncflow.compiler.build import build
from syncflow.compiler.wire.system import SystemPlan
from syncflow.config.project import load_project
from syncflow.events import Delivery, Verdict
from syncflow.mock.server import create_app
from syncflow.mock.settings import FaultKind, Settings
from syncflow.mock.state import Mock
from syncflow.testing import VirtualClock, run_virtually
from tests.adapters.inside import Inside
from tests.adapters.kit import SHIPPED, batch, delivery, shipped
from tests.adapters.vendors import trials
from tests.adapters.vendors.base import Trial
from tests.adapters.vendors.faults import AFTER, BEFORE, Faults
from tests.adapters.vendors.run import last_states, made_events, run_trial
from tests.journeys.length import events as length

ROOT = Path(__file__).parents[2]
SYSTEMS: dict[str, tuple[str, str, dict[str, str]]] = {
    "salesforce": ("Contact", "External_Id__c", {"External_Id__c": "{}", "LastName": "L"}),
    "hubspot": ("contacts", "syncflow_id", {"syncflow_id": "{}", "firstname": "F"}),
    "directory": ("people", "id", {"id": "{}", "display_name": "D", "kind": "vendor"}),
}
KINDS = get_args(FaultKind)
SLOW = {"rate": "off", "hold_seconds": 600, "drip_seconds": 600}


@pytest.fixture(scope="module")
def mock() -> Mock:
    return Mock(Settings.model_validate(dict.fromkeys(SYSTEMS, SLOW)))


@pytest.fixture(scope="module")
def plans() -> Mapping[str, SystemPlan]:
    environment = {"MOCK_URL": "http://mock.test"}
    return build(load_project(ROOT / "examples/third-system/routes.yaml", environment=environment)).systems


def _deliveries(name: str, operation: str, kind: str) -> list[Delivery]:
    object_name, key_name, fields = SYSTEMS[name]
    each: dict[str, Any] = {"operation": operation, "object": object_name, "key_name": key_name, "system": name}
    return [
        delivery(number, key=key, payload={field: value.format(key) for field, value in fields.items()}, **each)
        for number, key in enumerate((f"{kind}-{letter}" for letter in "abcdefgh"), start=1)
    ]


async def _send_all(http: httpx.AsyncClient, plan: SystemPlan, deliveries: list[Delivery]) -> dict[str, Verdict]:
    """Send them in batches of three; return what became of each, by key."""
    found: dict[str, Verdict] = {}
    client = SystemClient(plan, http=http, gate=OpenGate(), clock=VirtualClock())
    for start in range(0, len(deliveries), 3):
        part = deliveries[start : start + 3]
        result = await client.send(batch(part))
        split = result.signal is not None and result.signal.kind == "split"
        for sent, outcome in zip(part, result.outcomes, strict=True):
            found[sent.key.value] = Verdict.RETRY if split else outcome.verdict
    return found


def _held(mock: Mock, name: str, kind: str) -> set[str]:
    """Return the keys that the mock holds, of those that were sent for this kind of fault."""
    object_name, key_name, _ = SYSTEMS[name]
    records = mock.systems[name].records()[object_name]
    keys = {str(record.get("properties", record)[key_name]) for record in records}
    return {key for key in keys if key.startswith(f"{kind}-")}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SYSTEMS)
def test_delivered_is_held_and_the_rest_is_mended_by_a_retry(
    name: str, kind: str, mock: Mock, plans: Mapping[str, SystemPlan]
) -> None:
    async def main() -> None:
        async with open_client(transport=Inside(create_app(mock=mock))) as http:
            for operation in ("upsert", "delete"):
                await _one_operation(http, plans[name], mock, name=name, kind=kind, operation=operation)

    run_virtually(main())


async def _one_operation(
    http: httpx.AsyncClient, plan: SystemPlan, mock: Mock, *, name: str, kind: str, operation: str
) -> None:
    deliveries = _deliveries(name, operation, kind)
    mock.configure({name: {"faults": {kind: 0.5}}})
    first = await _send_all(http, plan, deliveries)
    mock.configure({name: {"faults": {}}})
    held = _held(mock, name, kind)
    done = {key for key, verdict in first.items() if verdict in {Verdict.DELIVERED, Verdict.ALREADY_DONE}}
    refused = {key for key, verdict in first.items() if verdict is Verdict.REJECTED}
    assert done <= held if operation == "upsert" else not done & held
    second = await _send_all(http, plan, [sent for sent in deliveries if sent.key.value not in done | refused])
    assert set(second.values()) <= {Verdict.DELIVERED, Verdict.ALREADY_DONE}
    assert _held(mock, name, kind) == (set(first) - refused if operation == "upsert" else refused & held)


@pytest.mark.parametrize(
    ("name", "object_name", "key_name", "fields"),
    [
        (
            "salesforce",
            "Lead",
            "External_Id__c",
            {"External_Id__c": "L1", "LastName": "Lovelace", "Company": "Engines"},
        ),
        ("hubspot", "deals", "syncflow_id", {"syncflow_id": "L1", "dealname": "Engine", "amount": 12.5}),
    ],
    ids=["salesforce", "hubspot"],
)
def test_any_object_is_spoken_to_alike(
    name: str, object_name: str, key_name: str, fields: dict[str, Any], mock: Mock, plans: Mapping[str, SystemPlan]
) -> None:
    async def main() -> None:
        async with open_client(transport=Inside(create_app(mock=mock))) as http:
            client = SystemClient(plans[name], http=http, gate=OpenGate(), clock=VirtualClock())
            for operation, count in (("upsert", 1), ("update", 1), ("delete", 0)):
                one = delivery(
                    1, key="L1", key_name=key_name, object=object_name, payload=fields, operation=operation, system=name
                )
                assert (await client.send(batch([one]))).outcomes[0].verdict is Verdict.DELIVERED, operation
                assert mock.systems[name].counts()[object_name] == count

    run_virtually(main())


def test_a_batch_whose_address_would_be_too_long_goes_in_parts(mock: Mock, plans: Mapping[str, SystemPlan]) -> None:
    deliveries = [
        delivery(
            number,
            key=f"{number:0200}",
            operation="delete",
            object="Contact",
            key_name="External_Id__c",
            system="salesforce",
        )
        for number in range(1, 201)
    ]

    async def main() -> list[Verdict]:
        async with open_client(transport=Inside(create_app(mock=mock))) as http:
            client = SystemClient(plans["salesforce"], http=http, gate=OpenGate(), clock=VirtualClock())
            return [outcome.verdict for outcome in (await client.send(batch(deliveries))).outcomes]

    assert run_virtually(main()) == [Verdict.ALREADY_DONE] * 200


TRIALS = trials()


def test_every_object_of_every_shipped_adapter_is_tried() -> None:
    objects = {(path.stem, name) for path in SHIPPED.glob("*.yaml") for name in shipped(path.stem).model.objects}
    assert objects == {(trial.adapter, trial.object) for trial in TRIALS}


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: f"{trial.adapter}/{trial.object}")
def test_five_in_a_hundred_of_every_fault_leave_what_the_events_say(trial: Trial, tmp_path: Path) -> None:
    faults = Faults(trial.adapter, share=0.05, without=trial.without)
    events = made_events(trial.object, length(trial.events), deletes=trial.deletes)
    ending, held = run_trial(trial, tmp_path, events=events, faults=faults)
    assert ending.clean, ending
    expected = (trial.expected or last_states)(trial, events)
    assert expected
    assert {key: _only(fields, expected.get(key, {})) for key, fields in held.items()} == expected
    assert faults.struck >= {*BEFORE, *AFTER} - trial.without


def _only(fields: Mapping[str, Any], names: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the fields there that we sent."""
    return {name: value for name, value in fields.items() if name in names}

"""From files to a program: what routes make of events, and what a fingerprint means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from syncflow.compiler.build import build, models
from syncflow.compiler.program import Program
from syncflow.compiler.wire.adapter_expressions import CompiledAdapters
from syncflow.compiler.wire.system import SystemPlan, plan_system
from syncflow.errors import ProjectError
from syncflow.events import Accepted, Key, Position, Raw, Routed
from tests.compiler.projects import changed, open_project


def routed(program: Program, item: dict[str, Any], operation: str = "create") -> Routed:
    event = {"record": "contacts", "operation": operation, "timestamp": "2024-01-15T10:30:00", "item": item}
    accepted = program.check(Raw(Position("f", 1), json.dumps(event).encode()))
    assert isinstance(accepted, Accepted), accepted
    return program.route(accepted)


def program(directory: Path, changes: dict[str, str] | None = None) -> Program:
    return build(open_project(directory, changes))


def routes(text: str) -> dict[str, str]:
    """Return the project with other routes."""
    return {"routes.yaml": changed("routes.yaml")["routes.yaml"].partition("routes:\n")[0] + "routes:" + text}


def test_an_event_goes_where_the_table_says_with_its_payload_and_the_reason(tmp_path: Path) -> None:
    made = routed(program(tmp_path), {"id": "A1", "type": "lead", "email": "ADA@X.ORG"})
    (match,) = made.matches
    assert (match.route, match.system, match.object, match.operation) == ("contacts/sales", "sales", "people", "upsert")
    assert match.key == ("external_id", "A1")
    assert match.payload == {"external_id": "A1", "last_name": "Unknown", "email": "ada@x.org", "kind": "Lead"}
    assert match.because == "item.type = lead → sales"
    assert made.failures == ()


def test_one_event_may_go_to_several_systems(tmp_path: Path) -> None:
    made = routed(program(tmp_path), {"id": "A1", "type": "partner"})
    assert [match.system for match in made.matches] == ["sales", "support"]


def test_every_route_and_system_has_its_plan(tmp_path: Path) -> None:
    plans = program(tmp_path).routes
    assert list(plans) == ["contacts/sales", "contacts/support"]
    plan = plans["contacts/sales"]
    assert (plan.kind, plan.system, plan.object, plan.key_names) == ("contacts", "sales", "people", ("external_id",))
    assert plan.operations == {"create": "upsert", "update": "upsert", "delete": "delete"}
    assert plan.compared(Key("external_id", "aBc")) == "abc"


WHENS = """
  - {when: item.vip, to: sales, mapping: person.yaml}
  - {to: support, mapping: person.yaml, operations: {update: update_only, delete: ignore}}
  - {name: third, when: "record == 'contacts'", to: sales, mapping: person.yaml}
  - {to: support, mapping: person.yaml}
"""
UPDATE = '  update: {repeat: safe, request: {post: "/up", json: {each: payload}}}\n'
WITH_UPDATE = changed("adapters/crm.yaml", ("  delete:\n", UPDATE + "  delete:\n"))


def test_routes_without_a_name_are_numbered(tmp_path: Path) -> None:
    assert list(program(tmp_path, {**routes(WHENS), **WITH_UPDATE}).routes) == [
        "contacts",
        "contacts-2",
        "third",
        "contacts-3",
    ]


def test_a_route_takes_what_its_rule_says_and_says_why(tmp_path: Path) -> None:
    made = program(tmp_path, {**routes(WHENS), **WITH_UPDATE})
    matches = routed(made, {"id": "A", "type": "lead"}).matches
    assert [(match.route, match.because) for match in matches] == [
        ("contacts-2", "every record → support"),
        ("third", "record == 'contacts' → sales"),
        ("contacts-3", "every record → support"),
    ]
    assert "contacts" in [match.route for match in routed(made, {"id": "A", "type": "lead", "vip": True}).matches]


def test_a_route_may_ask_other_operations_or_ignore_a_change(tmp_path: Path) -> None:
    made = program(tmp_path, {**routes(WHENS), **WITH_UPDATE})
    operations = [
        {match.route: match.operation for match in routed(made, {"id": "A", "type": "lead"}, change).matches}[
            "contacts-2"
        ]
        for change in ("create", "update", "delete")
    ]
    assert operations == ["upsert", "update", None]


def test_a_delete_has_no_payload_and_the_key_that_can_be_told(tmp_path: Path) -> None:
    made = program(tmp_path, routes("\n  - {to: sales, mapping: person.yaml}\n"))
    (match,) = routed(made, {"id": "A1"}, "delete").matches
    assert (match.operation, match.key, match.payload) == ("delete", ("external_id", "A1"), {})


def test_a_delete_of_a_bare_id_matches_no_table(tmp_path: Path) -> None:
    made = routed(program(tmp_path), {"id": "A1"}, "delete")
    assert (made.matches, made.failures) == ((), ())


def test_a_mapping_that_fails_is_a_failure_of_that_route_only(tmp_path: Path) -> None:
    text = """
  - {name: good, to: sales, mapping: person.yaml}
  - {name: bad, to: support, mapping: other.yaml}
"""
    other = changed("person.yaml", ("item.name || 'Unknown'", '"{{ item.name }}"'))["person.yaml"]
    made = routed(program(tmp_path, {**routes(text), "other.yaml": other}), {"id": "A", "type": "lead"})
    assert [match.route for match in made.matches] == ["good"]
    (failure,) = made.failures
    assert (failure.stage, failure.code, failure.route) == ("mapping", "expression", "bad")
    assert failure.record == ("contacts", "A")


def test_a_rule_that_fails_is_never_forgotten(tmp_path: Path) -> None:
    text = "\n  - {name: odd, when: \"starts_with(item.name, 'A')\", to: sales, mapping: person.yaml}\n"
    made = program(tmp_path, routes(text))
    (failure,) = routed(made, {"id": "A", "type": "lead"}).failures
    assert (failure.stage, failure.code, failure.route) == ("route", "rule", "odd")
    assert failure.reason == "starts_with() expects text, found null"
    assert routed(made, {"id": "A"}, "delete").failures == ()


def test_a_key_that_cannot_be_sent_is_refused(tmp_path: Path) -> None:
    made = program(tmp_path, changed("person.yaml", ("external_id: item.id", "external_id: item.name")))
    (failure,) = routed(made, {"id": "A", "type": "lead"}).failures
    assert (failure.code, failure.reason) == (
        "no_key",
        "external_id: the key is empty, or neither text nor a whole number",
    )


def test_models_can_be_reached_from_python(tmp_path: Path) -> None:
    contact = models(open_project(tmp_path))["contacts"]
    assert list(contact.model_fields) == ["id", "name", "email", "type", "vip", "since"]


def test_the_fingerprint_is_of_what_is_done(tmp_path: Path) -> None:
    same = program(tmp_path / "a").fingerprint
    assert same == program(tmp_path / "b").fingerprint
    assert same == program(tmp_path / "c", changed("routes.yaml", ("events.jsonl", "other.jsonl"))).fingerprint
    assert same != program(tmp_path / "d", changed("person.yaml", ("'Unknown'", "'?'"))).fingerprint
    assert same != program(tmp_path / "e", changed("routes.yaml", ("lead: sales", "lead: support"))).fingerprint


def test_one_request_at_a_time_where_the_project_says_so(tmp_path: Path) -> None:
    made = program(tmp_path, changed("routes.yaml", ("systems:", "concurrent: false\nsystems:")))
    assert [plan.in_flight for plan in made.systems.values()] == [1, 1]


def test_a_project_with_errors_is_not_built_and_names_them_all(tmp_path: Path) -> None:
    changes = changed("person.yaml", ("item.id", "itm.id"), ("last_name:", "lst_name:"))
    with pytest.raises(ProjectError) as refused:
        program(tmp_path, changes)
    codes = [diagnostic.code for diagnostic in refused.value.diagnostics if diagnostic.is_error]
    assert sorted(codes) == ["SF304", "SF310", "SF312"]


def test_an_adapter_is_compiled_once_for_all_its_systems(tmp_path: Path) -> None:
    plans = program(tmp_path).systems
    sales, support = plans["sales"].operations, plans["support"].operations
    assert all(sales[action].steps[0] is support[action].steps[0] for action in ("upsert", "delete"))


def test_a_system_with_a_bound_of_its_own_shares_no_requests_that_are_cut_by_another(tmp_path: Path) -> None:
    own = changed("routes.yaml", ("support: {adapter: crm}", "support: {adapter: crm, batch: {bytes: 100kB}}"))
    plans = program(tmp_path, own).systems
    assert [plans[name].operations["upsert"].steps[0].bytes for name in ("sales", "support")] == [0, 100_000]


def test_what_is_wrong_with_an_adapter_is_said_to_each_of_its_systems(tmp_path: Path) -> None:
    project = open_project(tmp_path, changed("adapters/crm.yaml", ("key.value }}", "ky.value }}")))
    adapter, compiled = project.adapters["crm"], CompiledAdapters()

    def planned(name: str) -> SystemPlan:
        return plan_system(name, project.routes.model.systems[name], adapter, compiled=compiled)

    for name in ("sales", "support"):
        with pytest.raises(ProjectError) as caught:
            planned(name)
        assert [found.message for found in caught.value.diagnostics] == ["nothing here is called ky"]

"""Tests of routes: whole events up to the requests, and records that were there before."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncflow.testing.trials import run_tests
from tests.compiler.projects import FILES, open_project
from tests.testing.projects import differences, of_routes, report

LEAD = "{item: {id: A1, type: lead}}"
PARTNER = "{item: {id: A1, type: partner}}"
GONE = "{operation: delete, item: {id: A1}}"


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        (LEAD, "{routes: [contacts/sales]}"),
        (PARTNER, "{routes: [contacts/support, contacts/sales]}"),
        (PARTNER, "{payloads: {contacts/sales: {kind: Partner}, contacts/support: {last_name: Unknown}}}"),
        (LEAD, "{operations: {contacts/sales: upsert}}"),
        (LEAD, "{requests: [{method: post, url: /people, system: sales, body: [{external_id: A1}]}]}"),
        (LEAD, "{requests: [{headers: {content-type: application/json}}]}"),
        ("{record: noise, item: {}}", "{ignored: true, routes: [], requests: []}"),
        ("{item: {id: A1, type: alien}}", "{error: options, routes: []}"),
        (GONE, "{error: {stage: route, code: unrouted}}"),
        (f"[{LEAD}, {GONE}]", "{routes: [contacts/sales], operations: {contacts/sales: delete}}"),
        (f"[{PARTNER}, {GONE}]", "{requests: [{method: DELETE, url: /people/A1}, {system: support}]}"),
        (f"[{LEAD}, {GONE}, {LEAD}]", "{operations: {contacts/sales: upsert}}"),
        ("[{item: {id: A1, type: customer}}, {item: {id: A1, type: lead}}]", "{routes: [contacts/sales]}"),
    ],
)
def test_what_comes_of_an_event_may_be_expected(tmp_path: Path, given: str, expect: str) -> None:
    assert differences(tmp_path, of_routes(f"- {{name: x, given: {given}, expect: {expect}}}")) == []


@pytest.mark.parametrize(
    ("given", "expect", "found"),
    [
        (LEAD, "{routes: [contacts/support]}", ("routes", "contacts/support", "contacts/sales")),
        (LEAD, "{routes: []}", ("routes", "none", "contacts/sales")),
        (LEAD, "{ignored: true}", ("ignored", "an event that is ignored", "it was routed to contacts/sales")),
        (LEAD, "{error: unrouted}", ("error", "a dead letter (code unrouted)", "it was routed to contacts/sales")),
        (LEAD, "{operations: {contacts/sales: delete}}", ("operations.contacts/sales", "delete", "upsert")),
        (LEAD, "{operations: {contacts/support: delete}}", ("operations.contacts/support", "delete", "nothing")),
        (LEAD, "{payloads: {contacts/support: {kind: X}}}", ("payloads.contacts/support", "a payload", "nothing")),
        (LEAD, "{payloads: {contacts/sales: {kind: X}}}", ("payloads.contacts/sales.kind", '"X"', '"Lead"')),
        (LEAD, "{requests: []}", ("requests", "0 requests", "1 request: POST https://crm.example/people")),
        (GONE, "{requests: [{}], error: unrouted}", ("requests", "1 request", "none")),
        (LEAD, "{requests: [{method: PUT}]}", ("requests[0].method", "PUT", "POST")),
        (LEAD, "{requests: [{system: support}]}", ("requests[0].system", "support", "sales")),
        (LEAD, "{requests: [{url: /persons}]}", ("requests[0].url", "… /persons", "https://crm.example/people")),
        (LEAD, "{requests: [{body: [{kind: X}]}]}", ("requests[0].body[0].kind", '"X"', '"Lead"')),
        (LEAD, "{requests: [{headers: {x-id: 1}}]}", ("requests[0].headers.x-id", '"1"', "nothing")),
    ],
)
def test_a_difference_names_the_place_and_both_sides(
    tmp_path: Path, given: str, expect: str, found: tuple[str, str, str]
) -> None:
    assert differences(tmp_path, of_routes(f"- {{name: x, given: {given}, expect: {expect}}}")) == [found]


def test_a_dead_letter_that_nobody_expected_fails_the_test(tmp_path: Path) -> None:
    files = of_routes("- {name: x, given: {item: {id: A1, type: alien}}, expect: {routes: []}}")
    words = "a dead letter: schema: item.type is not one of 'lead', 'customer' or 'partner' (options)"
    assert differences(tmp_path, files) == [("", "no dead letter", words)]


def test_events_before_the_last_must_have_been_delivered(tmp_path: Path) -> None:
    files = of_routes(f"- {{name: x, given: [{{item: {{id: A1}}}}, {LEAD}], expect: {{routes: [contacts/sales]}}}}")
    ((_, expected, found),) = differences(tmp_path, files)
    assert expected == "event 1 of given to be delivered"
    assert found == "a dead letter: schema: item.type is missing (missing)"


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ("{name: x, given: [], expect: {routes: []}}", "given: an event is expected, or a list of events"),
        (
            f"{{name: x, given: {LEAD}, expect: {{routes: [contacts]}}}}",
            "expect: there is no route contacts; expected one of contacts/sales, contacts/support; did you mean `contacts/sales`?",
        ),
        (
            f"{{name: x, given: {LEAD}, expect: {{requests: [{{system: sale}}]}}}}",
            "expect: there is no system sale; expected one of sales, support; did you mean `sales`?",
        ),
        (
            f"{{name: x, given: {LEAD}, expect: {{error: {{route: contacts/sale}}}}}}",
            "expect: there is no route contacts/sale; expected one of contacts/sales, contacts/support; did you mean `contacts/sales`?",
        ),
    ],
)
def test_a_test_that_cannot_be_run_fails_and_says_why(tmp_path: Path, example: str, told: str) -> None:
    assert differences(tmp_path, of_routes(f"- {example}")) == [("", "a test that can be run", told)]


def test_an_expectation_that_says_nothing_is_no_test(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="the project has 1 error"):
        report(tmp_path, of_routes(f"- {{name: x, given: {LEAD}, expect: {{}}}}"))


def test_tests_may_stand_at_their_route(tmp_path: Path) -> None:
    example = f"    tests: [{{name: x, given: {LEAD}, expect: {{routes: [contacts/sales]}}}}]\n"
    (result,) = report(tmp_path, {"routes.yaml": FILES["routes.yaml"] + example}).results
    assert (result.name, result.passed) == ("x", True)


def test_events_in_another_envelope_are_given_as_the_source_gives_them(tmp_path: Path) -> None:
    files = of_routes(
        "- {name: x, given: {kind: contacts, op: u, data: {id: A1, type: lead}}, expect: {routes: [contacts/sales]}}"
    )
    envelope = "envelope: {record: kind, operation: op, operations: {u: update}, timestamp: null, item: data}\n"
    assert differences(tmp_path, {"routes.yaml": files["routes.yaml"] + envelope}) == []


def test_what_no_test_exercises_is_named_with_its_place(tmp_path: Path) -> None:
    files = of_routes(f"- {{name: x, given: {LEAD}, expect: {{payloads: {{contacts/sales: {{kind: Lead}}}}}}}}")
    coverage = report(tmp_path, files).coverage
    missed = [(point.mark.kind, point.name) for point in coverage.missed]
    assert missed == [
        ("field", "external_id"),
        ("field", "last_name"),
        ("field", "email"),
        ("entry", "kind: customer"),
        ("entry", "kind: partner"),
        ("route", "contacts/support"),
        ("entry", "contacts: customer"),
        ("entry", "contacts: partner"),
    ]
    assert (coverage.of("field"), coverage.of("entry"), coverage.of("route")) == ((1, 4), (2, 6), (1, 2))
    assert coverage.percent == pytest.approx(100 * 4 / 12)
    customer = next(point for point in coverage.missed if point.name == "kind: customer")
    assert (tmp_path / "person.yaml").read_text("utf-8").splitlines()[customer.span.line - 1].startswith("  kind:")


@pytest.mark.parametrize(
    ("form", "may_need"),
    [
        ("{from: item.type, table: {lead: a, customer: b, partner: c}, default: d}", False),
        ("{from: item.type, table: {lead: a, customer: b}, default: d}", True),
        ("{from: item.email, default: d}", True),
        ("{from: item.id, default: d}", False),
        ("{from: item.name, table: {x: y}, default: d}", True),
    ],
    ids=str,
)
def test_a_default_that_no_record_can_need_is_not_missed(tmp_path: Path, form: str, may_need: bool) -> None:
    mapping = FILES["person.yaml"].replace("item.name || 'Unknown'", form)
    points = report(tmp_path, {"person.yaml": mapping}).coverage.points
    assert ("last_name: default" in [point.name for point in points]) is may_need


def test_a_project_without_tests_has_none(tmp_path: Path) -> None:
    assert run_tests(open_project(tmp_path)).results == ()


def test_a_field_that_the_mapping_does_not_make_is_named(tmp_path: Path) -> None:
    expect = "{payloads: {contacts/sales: {lastname: Unknown, kind: Lead}}}"
    assert differences(tmp_path, of_routes(f"- {{name: x, given: {LEAD}, expect: {expect}}}")) == [
        (
            "payloads.contacts/sales.lastname",
            "a field of the mapping",
            "no field `lastname`; did you mean `last_name`?",
        )
    ]

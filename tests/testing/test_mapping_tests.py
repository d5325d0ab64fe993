"""Tests of mappings: what is compared, what a difference says, and where it points."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compiler.projects import FILES
from tests.testing.projects import differences, of_mapping, report

GIVEN = "given: {item: {id: A1, name: Ada, email: ADA@X.org, type: lead}}"


@pytest.mark.parametrize(
    "expect",
    [
        "{last_name: Ada}",
        "{external_id: A1, email: ada@x.org, kind: Lead}",
        "{}",
        "{external_id: A1, email: ada@x.org, kind: Lead, last_name: Ada}, exactly: true",
    ],
)
def test_only_what_is_named_is_compared(tmp_path: Path, expect: str) -> None:
    assert differences(tmp_path, of_mapping(f"- {{name: a lead, {GIVEN}, expect: {expect}}}")) == []


@pytest.mark.parametrize(
    ("expect", "found"),
    [
        ("{last_name: Bob}", ("last_name", '"Bob"', '"Ada"')),
        ("{lastname: Ada}", ("lastname", "a field of the mapping", "no field `lastname`; did you mean `last_name`?")),
        ("{email: null}", ("email", "null", '"ada@x.org"')),
        ("{external_id: 1}", ("external_id", "1", '"A1"')),
        ("{external_id: A1, email: ada@x.org, kind: Lead}, exactly: true", ("last_name", "nothing", '"Ada"')),
        ("{error: options}", ("error", "a dead letter (code options)", "a payload")),
    ],
)
def test_a_difference_names_the_field_and_both_sides(tmp_path: Path, expect: str, found: tuple[str, str, str]) -> None:
    assert differences(tmp_path, of_mapping(f"- {{name: a lead, {GIVEN}, expect: {expect}}}")) == [found]


def test_a_difference_points_at_the_line_of_the_expectation(tmp_path: Path) -> None:
    files = of_mapping(
        """
        - name: a lead
          given: {item: {id: A1, type: lead}}
          expect:
            kind: Lead
            last_name: Ada
        """
    )
    (result,) = report(tmp_path, files).results
    lines = files["person.yaml"].splitlines()
    assert lines[result.span.line - 1] == "  - name: a lead"
    assert lines[result.differences[0].span.line - 1].strip() == "last_name: Ada"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("{item: {id: A1, type: alien}}", "options"),
        ("{item: {type: lead}}", "{stage: schema, code: no_id}"),
        ("{item: {id: A1, type: lead, email: nobody}}", "{stage: schema, reason: is not a valid e-mail}"),
        (f"{{item: {{id: {'A' * 21}, type: lead}}}}", "{stage: schema, code: length, reason: item.id}"),
        ("{operation: merge, item: {id: A1}}", "unknown_operation"),
        ("{record: planets, item: {id: A1}}", "unknown_record"),
    ],
)
def test_a_dead_letter_may_be_expected(tmp_path: Path, given: str, error: str) -> None:
    files = of_mapping(f"- {{name: wrong, given: {given}, expect: {{error: {error}}}}}")
    assert differences(tmp_path, files) == []


def test_a_dead_letter_that_nobody_expected_is_told_in_full(tmp_path: Path) -> None:
    files = of_mapping("- {name: wrong, given: {item: {id: A1, type: alien}}, expect: {kind: Lead}}")
    words = "a dead letter: schema: item.type is not one of 'lead', 'customer' or 'partner' (options)"
    assert differences(tmp_path, files) == [("", "no dead letter", words)]


def test_another_dead_letter_than_the_expected_one_is_a_difference(tmp_path: Path) -> None:
    files = of_mapping("- {name: wrong, given: {item: {type: lead}}, expect: {error: options}}")
    ((path, expected, found),) = differences(tmp_path, files)
    assert (path, expected) == ("error", "a dead letter (code options)")
    assert found.startswith("a dead letter: schema: the record has no id")


def test_a_field_named_error_is_a_field(tmp_path: Path) -> None:
    files = {
        "person.yaml": FILES["person.yaml"].replace("last_name:", "error: item.id\n  last_name:")
        + f"tests: [{{name: a lead, {GIVEN}, expect: {{error: A2}}}}]\n",
        "adapters/objects/people.yaml": FILES["adapters/objects/people.yaml"] + "  error: {}\n",
    }
    assert differences(tmp_path, files) == [("error", '"A2"', '"A1"')]


def test_time_and_ids_stand_still(tmp_path: Path) -> None:
    files = {
        "person.yaml": FILES["person.yaml"]
        + """\
  since: now()
  joined: join(`" "`, [uuid(), uuid()])
tests:
  - name: as ever
    given: {item: {id: A1, type: lead}}
    expect:
      since: 2026-01-01T00:00:00Z
      joined: 00000000-0000-4000-8000-000000000001 00000000-0000-4000-8000-000000000002
  - name: as set
    now: 2020-02-29T12:00:00+01:00
    uuid: [0b1f3c1e-8f1c-4a53-9d5e-0a5f0e9c1b2a]
    given: {item: {id: A1, type: lead}}
    expect:
      since: 2020-02-29T11:00:00Z
      joined: 0b1f3c1e-8f1c-4a53-9d5e-0a5f0e9c1b2a 00000000-0000-4000-8000-000000000001
""",
        "adapters/objects/people.yaml": FILES["adapters/objects/people.yaml"].replace(
            "{type: date, create_only: true}", "{length: 80}"
        ),
    }
    assert differences(tmp_path, files) == []


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ("{name: x, now: noon, given: {}, expect: {}}", "now: noon is no time; expected one such as 2026-01-01T00:00:00Z"),
        ("{name: x, given: {}, expect: 5}", "expect: fields of the payload are expected, or {error: CODE}"),
        ("{name: x, given: {}, expect: {error: {cod: x}}}", "expect.error: a code is expected, or some of {stage, code, reason}"),
    ],
)  # fmt: skip
def test_a_test_that_cannot_be_run_fails_and_says_why(tmp_path: Path, example: str, told: str) -> None:
    assert differences(tmp_path, of_mapping(f"- {example}")) == [("", "a test that can be run", told)]


def test_a_delete_has_no_payload(tmp_path: Path) -> None:
    files = of_mapping("- {name: x, given: {operation: delete, item: {id: A1}}, expect: {}, exactly: true}")
    assert differences(tmp_path, files) == []


def test_tests_are_picked_by_a_part_of_their_name(tmp_path: Path) -> None:
    one = "- {name: a LEAD, given: {item: {id: A1, type: lead}}, expect: {}}"
    other = "- {name: a partner, given: {item: {id: A1, type: partner}}, expect: {}}"
    found = report(tmp_path, of_mapping(f"{one}\n{other}"), named="lead")
    assert [result.name for result in found.results] == ["a LEAD"]


PHONES = {
    "person.yaml": """
source: contacts
target: crm/people
key: external_id
fields:
  external_id: item.id
  last_name: "'Ada'"
  email: "normalize_email(item.name) || item.email"
  kind: {from: normalize_email(item.name), table: {a@x.org: Lead}, unreadable: null}
tests:
  - name: an address that is none
    given: {item: {id: A1, name: ada, email: a@x.org, type: lead}}
    expect: EXPECTED
"""
}


@pytest.mark.parametrize(
    ("expect", "given", "found"),
    [
        ("{kind: {unreadable: true}}", "ada", []),
        ("{kind: {unreadable: false}}", "a@x.org", []),
        ("{email: {unreadable: false}, last_name: {unreadable: false}}", "a@x.org", []),
        ("{kind: {unreadable: true}, email: a@x.org, external_id: A1, last_name: Ada}, exactly: true", "ada", []),
        ("{kind: {unreadable: true}}", "a@x.org", [("kind", "a value that cannot be read", '"Lead"')]),
        (
            "{last_nam: {unreadable: true}}",
            "ada",
            [("last_nam", "a field of the mapping", "no field `last_nam`; did you mean `last_name`?")],
        ),
        (
            "{kind: {unreadable: false}}",
            "ada",
            [
                (
                    "kind",
                    "no value that cannot be read",
                    "normalize_email() cannot read the value (text of 3 characters)",
                )
            ],
        ),
        (
            "{email: {unreadable: true}}",
            "ada",
            [
                (
                    "email",
                    "a value that cannot be read",
                    '"a@x.org", though normalize_email() cannot read the value (text of 3 characters)',
                )
            ],
        ),
        ("{email: {unreadable: 1}}", "ada", [("email", '{"unreadable": 1}', '"a@x.org"')]),
    ],
)
def test_a_test_says_that_a_value_cannot_be_read(
    tmp_path: Path, expect: str, given: str, found: list[tuple[str, str, str]]
) -> None:
    if "exactly" in expect:
        expect = expect.replace("}, exactly: true", "}\n    exactly: true")
    text = PHONES["person.yaml"].replace("EXPECTED", expect).replace("name: ada,", f"name: {given},")
    assert differences(tmp_path, {"person.yaml": text}) == found


SLIPS = {
    "of the event": (
        "{itme: {id: A1, type: lead}}",
        ("given.itme", "a part of an event", "no `itme`; did you mean `item`?"),
    ),
    "of the item": (
        "{item: {id: A1, type: lead, nmae: Ada}}",
        ("given.item.nmae", "a name of the schema", "no `nmae`; did you mean `name`?"),
    ),
}


@pytest.mark.parametrize(("given", "slip"), SLIPS.values(), ids=SLIPS)
def test_a_test_that_fails_names_the_slip_in_what_it_gives(
    tmp_path: Path, given: str, slip: tuple[str, str, str]
) -> None:
    files = of_mapping(f"- {{name: a lead, given: {given}, expect: {{last_name: Ada}}}}")
    assert differences(tmp_path, files)[-1] == slip


def test_what_a_test_gives_beyond_the_schema_is_no_difference(tmp_path: Path) -> None:
    files = of_mapping("- {name: a lead, given: {item: {id: A1, type: lead, nmae: Ada}}, expect: {last_name: Unknown}}")
    assert differences(tmp_path, files) == []

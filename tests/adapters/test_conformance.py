"""Every shipped adapter does what every adapter must; one that does not is told what it breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncflow.testing.conformance import check_conformance
from syncflow.testing.operation_trial import Check
from tests.adapters.kit import adapter, written
from tests.adapters.test_plans import ADAPTERS

SMALL = """
adapter: small
base_url: https://small.test
objects: {Contact: {keys: [ext]}}
operations:
  upsert:
    repeat: safe
    batch: {records: 50}
    request: {post: /people, json: {each: payload}}
    answer: {results: {match: mail, with: key.value}}
"""


def broken(checks: list[Check]) -> dict[str, tuple[str, ...]]:
    return {check.law: check.problems for check in checks if check.problems}


@pytest.mark.parametrize("path", ADAPTERS, ids=lambda path: path.stem)
def test_a_shipped_adapter_does_what_every_adapter_must(path: Path) -> None:
    checks = check_conformance(adapter(path))
    assert len(checks) > 25  # the least: one operation that only posts a message
    assert broken(checks) == {}


def test_an_adapter_without_faults_has_none(tmp_path: Path) -> None:
    assert broken(check_conformance(written(SMALL, tmp_path))) == {}


BROKEN = {
    "delivers what an answer leaves out": (
        (
            "answer: {results: {match: mail, with: key.value}}",
            "answer: {results: {each: people, match: index}, missing: retry, body: any}",
        ),
        {},
    ),
    "calls a server in trouble a success": (
        ("operations:", "outcomes: [{status: 5xx, then: delivered}]\noperations:"),
        {
            "upsert: when the server answers 500, nothing is lost or made up": "a record is delivered (delivered status 500",
            "upsert: when the server answers 503, nothing is lost or made up": "a record is delivered (delivered status 503",
            "upsert: a refused batch is halved until the record at fault stands alone": "sound-1 is delivered",
        },
    ),
    "calls a repeated request safe that is another each time": (
        ("json: {each: payload}", 'json: {each: "merge(payload, {attempt: delivery.attempt})"}'),
        {"upsert: a second sending is the same request": "the second differs from the first"},
    ),
    "promises a key and sends none": (
        ("repeat: safe", "repeat: by_key_header"),
        {"everything in it is useful": "SF510 warning: no header tells which delivery it is"},
    ),
    "makes no request of any record": (
        ("post: /people", 'post: "/people/{{ deliveries[7].key.value }}"'),
        {"upsert: a request can be made of a record": "small.yaml:9: "},
    ),
    "rejects everybody for a batch": (
        ("operations:", "outcomes: [{status: 400, then: stop}]\noperations:"),
        {"upsert: a refused batch is halved until the record at fault stands alone": "it is not halved: retry"},
    ),
    "calls a record's refusal a success": (
        ("with: key.value}}", "with: key.value, ok: good}}\noutcomes: [{status: 200, then: delivered}]"),
        {
            "everything in it is useful": "SF506 warning: this rule is of no use",
            "upsert: a record that is refused for an unknown reason is not delivered": "a record that is refused is delivered",
        },
    ),
    "takes the first of several": (
        (
            "answer: {results: {match: mail, with: key.value}}",
            "answer: {results: {match: mail, with: key.value}, several: first}",
        ),
        {},
    ),
    "has a test that does not hold": (
        ("operations:", "tests: [{name: mine, exchange: [{sent: {method: PUT}}], outcomes: [delivered]}]\noperations:"),
        {"test: mine": 'request 1: method: expected "PUT", found "POST"'},
    ),
    "reads a name that is not there": (
        ("json: {each: payload}", "json: {each: paylaod}"),
        {"everything in it can be used": "hint:     did you mean payload?"},
    ),
    "has a rule that decides nothing": (
        ("operations:", "outcomes: [{status: 5xx, then: retry}, {status: 503, then: retry}]\noperations:"),
        {"everything in it is useful": "SF503 warning: this outcome is never reached"},
    ),
}


@pytest.mark.parametrize(("change", "expected"), BROKEN.values(), ids=BROKEN)
def test_an_adapter_that_breaks_a_law_is_told_which(
    change: tuple[str, str], expected: dict[str, str], tmp_path: Path
) -> None:
    assert change[0] in SMALL
    found = broken(check_conformance(written(SMALL.replace(*change), tmp_path)))
    assert set(found) == set(expected)
    for law, words in expected.items():
        assert any(words in problem for problem in found[law]), found[law]


SIGNED = """auth:
  jwt:
    settings: {client: text, pem: secret}
    token:
      jwt: {key: "{{ auth.pem }}", claims: {iss: "{{ auth.client }}"}}
      request: {post: /token, form: {assertion: "{{ assertion }}"}}
    headers: {Authorization: "Bearer {{ token.value }}"}
operations:"""


def test_an_adapter_that_signs_is_checked_with_a_key_that_is_made_up(tmp_path: Path) -> None:
    pytest.importorskip("jwt")
    assert broken(check_conformance(written(SMALL.replace("operations:", SIGNED), tmp_path))) == {}


STEPS = """    steps:
      - name: found
        reads: true
        request: {post: /find, json: {each: key.value}}
        answer: {results: {each: found, match: mail, with: key.value, vendor_id: id}, missing: next}
      - {request: {post: /people, json: {each: "merge(payload, {id: vendor_id})"}}, answer: {results: {match: index, ok: good, code: why}}}
"""
SIGNS_IN = """auth:
  key:
    settings: {key: secret}
    token: {request: {post: /token, form: {key: "{{ auth.key }}"}}}
    headers: {Authorization: "Bearer {{ token.value }}"}
operations:"""


def test_an_adapter_of_several_steps_that_signs_in_has_none_either(tmp_path: Path) -> None:
    text = SMALL[: SMALL.index("    request:")] + STEPS
    checks = check_conformance(written(text.replace("operations:", SIGNS_IN), tmp_path))
    assert broken(checks) == {}
    assert "upsert: while sign-in fails, nothing is sent and nothing is lost" in {check.law for check in checks}


@pytest.mark.parametrize("read", ["value: \"{{ 'Token ' ~ key }}\"", "base_url: \"join('', ['https://', host])\""])
def test_however_a_token_is_read_what_is_sent_with_it_is_tried(read: str, tmp_path: Path) -> None:
    text = SMALL.replace("operations:", SIGNS_IN.replace("token: {", f"token: {{{read}, "))
    assert broken(check_conformance(written(text, tmp_path))) == {}
    text = text.replace("json: {each: payload}", 'json: {each: "merge(payload, {attempt: delivery.attempt})"}')
    assert set(broken(check_conformance(written(text, tmp_path)))) == {"upsert: a second sending is the same request"}


BY_ID = """
    request: {put: "/people/{{ vendor_id }}", json: payload}
"""


def test_a_record_whose_id_nobody_knows_is_a_dead_letter_whatever_the_server_does(tmp_path: Path) -> None:
    """An API may have no way to look a record up; that nothing is sent then is no fault of the adapter."""
    assert broken(check_conformance(written(SMALL[: SMALL.index("    batch:")] + BY_ID, tmp_path))) == {}


IN_PARTS = """
    batch: {records: 50}
    steps:
      - name: found
        request: {get: /people, query: {ids: "{{ deliveries | map(attribute='key.value') | join(',') }}"}}
        answer: {results: {each: people, match: mail, with: key.value, vendor_id: id}, missing: reject}
      - records: 1
        request: {put: "/people/{{ vendor_id }}", json: payload}
"""


def test_whoever_waits_behind_a_refusal_of_the_whole_system_names_its_line(tmp_path: Path) -> None:
    assert broken(check_conformance(written(SMALL[: SMALL.index("    batch:")] + IN_PARTS, tmp_path))) == {}


BY_WAY = """auth:
  key: {settings: {key: secret}, headers: {X-Key: "{{ auth.key }}"}}
  token:
    settings: {id: text, code: secret}
    token: {request: {post: "/{% if auth.id == 'x' %}x{% else %}y{% endif %}/token", form: {code: "{{ auth.code }}"}}}
    headers: {Authorization: "Bearer {{ token.value }}"}
operations:"""
CHANGE = 'json: {each: "merge(payload, {attempt: delivery.attempt})"}'


def test_every_way_to_sign_in_is_tried_however_its_address_is_written(tmp_path: Path) -> None:
    checks = check_conformance(written(SMALL.replace("operations:", BY_WAY), tmp_path))
    assert broken(checks) == {}
    assert "signed in by token: upsert: a token that is refused is renewed once" in {check.law for check in checks}


def test_a_sign_in_with_a_condition_in_its_address_does_not_hide_what_is_broken(tmp_path: Path) -> None:
    alone = BY_WAY.replace('  key: {settings: {key: secret}, headers: {X-Key: "{{ auth.key }}"}}\n', "")
    text = SMALL.replace("operations:", alone).replace("json: {each: payload}", CHANGE)
    assert set(broken(check_conformance(written(text, tmp_path)))) == {"upsert: a second sending is the same request"}


def test_a_token_that_a_further_way_does_not_carry_is_told(tmp_path: Path) -> None:
    text = SMALL.replace("operations:", BY_WAY.replace("Bearer {{ token.value }}", "Bearer {{ auth.id }}"))
    found = broken(check_conformance(written(text, tmp_path)))
    assert found["signed in by token: upsert: a token that is refused is renewed once"] == (
        "the second request carries the token that was refused",
    )


def test_every_object_is_tried(tmp_path: Path) -> None:
    two = SMALL.replace("{Contact: {keys: [ext]}}", "{Contact: {keys: [ext]}, Deal: {keys: [ext]}}")
    alike = two.replace("post: /people", 'post: "/{{ object | lower }}"')
    assert broken(check_conformance(written(alike, tmp_path))) == {}
    only_one = two.replace(
        "json: {each: payload}",
        "json: {each: \"merge(payload, {attempt: when(object == 'Deal', delivery.attempt)})\"}",
    )
    assert set(broken(check_conformance(written(only_one, tmp_path)))) == {
        "upsert: a second sending is the same request"
    }


LEADS: dict[str, tuple[tuple[str, str], dict[str, tuple[str, ...]]]] = {
    "never delivers anything": (
        (
            "answer: {results: {match: mail, with: key.value}}",
            'answer: {results: {each: "people[?gone]", match: mail, with: key.value}}',
        ),
        {
            "upsert: a good answer delivers a record": (
                "no answer that could be made up delivers a record, and no test of the adapter ends in delivered: add one to `tests:`",
            )
        },
    ),
    "does not know that what is gone is deleted": (
        ("operations:", 'operations:\n  delete: {repeat: safe, request: {delete: "/people/{{ key.value }}"}}'),
        {
            "delete: a record that is gone is deleted already": (
                "after 404 it is not: add `{status: 404, operation: delete, then: already_done}` to `outcomes:`, or what this API answers",
            )
        },
    ),
}


@pytest.mark.parametrize(("change", "expected"), LEADS.values(), ids=LEADS)
def test_good_answers_must_lead_somewhere(
    change: tuple[str, str], expected: dict[str, tuple[str, ...]], tmp_path: Path
) -> None:
    assert change[0] in SMALL
    assert broken(check_conformance(written(SMALL.replace(*change), tmp_path))) == expected


def test_what_a_look_up_does_not_find_must_come_to_an_end(tmp_path: Path) -> None:
    text = SMALL[: SMALL.index("    batch:")] + IN_PARTS.replace(", missing: reject", "")
    assert broken(check_conformance(written(text, tmp_path))) == {
        "upsert: found: what it finds and does not find comes to an end": (
            "a record that is not found is tried again and again: say `missing:` of the step's answer, or in a later step",
        )
    }


def test_a_law_is_tried_with_known_ids_where_nothing_is_sent_without(tmp_path: Path) -> None:
    """A second sending that differs was not seen in an operation that knows ids only: nothing had been sent at all."""
    by_id = BY_ID.replace("json: payload", 'json: "merge(payload, {attempt: delivery.attempt})"')
    text = SMALL[: SMALL.index("    batch:")] + by_id
    assert set(broken(check_conformance(written(text, tmp_path)))) == {"upsert: a second sending is the same request"}


PARTICULAR = {
    "conditions": "{match: mail, with: key.value, ok: \"status == 'ok' && !error && code == `0`\"}",
    "one of several words": "{match: mail, with: key.value, ok: \"contains(['created', 'updated'], status)\"}",
    "a path within": "{match: mail, with: key.value, ok: \"state.name == 'ok'\"}",
    "a template": '{match: "{{ element.properties[key.name] | lower }}", with: lower(key.value)}',
}


@pytest.mark.parametrize("results", PARTICULAR.values(), ids=PARTICULAR)
def test_good_answers_are_made_up_for_what_adapters_usually_ask_of_them(results: str, tmp_path: Path) -> None:
    text = SMALL.replace("{match: mail, with: key.value}", results)
    assert broken(check_conformance(written(text, tmp_path))) == {}


BY_TOKEN = """auth:
  token:
    settings: {code: secret}
    token: {request: {post: /people, form: {code: "{{ auth.code }}"}}}
    headers: {Authorization: "Bearer {{ token.value }}"}
operations:"""


def test_a_token_may_be_asked_for_where_records_are_sent(tmp_path: Path) -> None:
    checks = check_conformance(written(SMALL.replace("operations:", BY_TOKEN), tmp_path))
    assert broken(checks) == {}
    assert "upsert: a token is renewed when its life is over" in {check.law for check in checks}


def test_a_way_to_sign_in_that_no_request_carries_is_told(tmp_path: Path) -> None:
    text = SMALL.replace(
        "operations:", BY_WAY.replace("{{ auth.key }}", "{% if auth.key == 'x' %}{{ auth.key }}{% endif %}")
    )
    assert broken(check_conformance(written(text, tmp_path))) == {
        "upsert: every request carries the sign-in": ("nothing stands in X-Key",)
    }


TWO_WAYS = """
    steps:
      - when: "!vendor_id"
        request: {post: /people, json: payload}
        answer: {results: {each: "people[?gone]", vendor_id: id}}
      - when: vendor_id
        request: {put: "/people/{{ vendor_id }}", json: payload}
"""


def test_records_whose_ids_are_known_do_not_stand_in_for_the_others(tmp_path: Path) -> None:
    text = SMALL[: SMALL.index("    batch:")] + TWO_WAYS
    assert broken(check_conformance(written(text, tmp_path))) == {
        "upsert: a record is delivered whether its id there is known or not": (
            "no answer that could be made up delivers a record whose id there is not known: mend its steps, or add a test to `tests:`",
        )
    }


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("key.valeu", "no record of a request has key.valeu: nothing there is called valeu"),
        ("vendorid", "no record of a request has vendorid: nothing there is called vendorid"),
        ("payload.any", None),
        ("key.value", None),
    ],
)
def test_a_path_that_is_asked_of_every_record_must_be_there(path: str, problem: str | None, tmp_path: Path) -> None:
    query = f"post: /people, query: {{ids: \"{{{{ deliveries | map(attribute='{path}') | join(',') }}}}\"}}"
    found = broken(check_conformance(written(SMALL.replace("post: /people", query), tmp_path)))
    told = "".join(found.get("everything in it is useful", ()))
    assert (problem in told) if problem else not told


PAGED = """
adapter: small
base_url: https://small.test
objects: {Contact: {keys: [ext]}}
operations:
  upsert:
    repeat: safe
    batch: {records: 50}
    steps:
      - name: found
        reads: true
        request: {post: /find, json: {each: key.value}}
        answer: {results: {each: found, match: mail, with: key.value, vendor_id: id}, missing: reject, pages: %s}
      - {request: {post: /people, json: {each: "merge(payload, {id: vendor_id})"}}, answer: {results: {match: index, ok: good, code: why}}}
"""
GOOD_PAGES = {
    "a cursor of the body": "{next: body.paging.after, query: {after: '{{ next }}'}}",
    "a cursor of a header": "{next: 'headers.\"x-next\"', query: {after: '{{ next }}'}}",
    "a link": "{link: body.more}",
}
LAW = "upsert: found: a long answer is read to its end"


@pytest.mark.parametrize("pages", GOOD_PAGES.values(), ids=GOOD_PAGES)
def test_pages_are_read_to_the_end(pages: str, tmp_path: Path) -> None:
    checks = check_conformance(written(PAGED % pages, tmp_path))
    assert broken(checks) == {}
    assert LAW in {check.law for check in checks}


BAD_PAGES = {
    "carries another value": (
        (
            '{next: body.after, query: {after: "{{ next }}"}}',
            '{next: body.after, query: {after: "{{ next | truncate(3) }}"}}',
        ),
        "the request for the second page does not carry what body.after says",
    ),
    "asks for the second page for ever": (
        ('{after: "{{ next }}"}', "{page: \"2{% if next == 'never' %}{{ next }}{% endif %}\"}"),
        "the request for the second page does not carry what body.after says",
    ),
}


@pytest.mark.parametrize(("change", "problem"), BAD_PAGES.values(), ids=BAD_PAGES)
def test_pages_that_are_not_read_to_the_end_are_told(change: tuple[str, str], problem: str, tmp_path: Path) -> None:
    text = PAGED % '{next: body.after, query: {after: "{{ next }}"}}'
    assert change[0] in text
    assert any(problem in one for one in broken(check_conformance(written(text.replace(*change), tmp_path)))[LAW])


OPTIONS = """
options:
  strict: {type: boolean, default: false}
  mode: {options: [a, b], default: a}
operations:"""


def test_every_declared_value_of_an_option_is_tried(tmp_path: Path) -> None:
    text = SMALL.replace("operations:", OPTIONS.lstrip("\n"))
    used = text.replace("post: /people", 'post: "/people/{{ options.mode }}/{{ options.strict }}"')
    checks = check_conformance(written(used, tmp_path))
    assert broken(checks) == {}
    assert {check.law for check in checks if check.law.startswith("with ")} == {
        "with strict: true, all of this holds too",
        'with mode: "b", all of this holds too',
    }


def test_an_option_whose_other_value_breaks_a_law_is_told(tmp_path: Path) -> None:
    text = SMALL.replace("operations:", OPTIONS.lstrip("\n"))
    only_b = text.replace(
        "json: {each: payload}",
        "json: {each: \"merge(payload, {s: options.strict, n: when(options.mode == 'b', delivery.attempt)})\"}",
    )
    assert broken(check_conformance(written(only_b, tmp_path))) == {
        'with mode: "b", all of this holds too': (
            "upsert: a second sending is the same request: the second differs from the first",
        )
    }

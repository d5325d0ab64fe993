"""Keys are the same where the other side takes them for the same; they are sent without what it drops."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from syncflow.compiler.build import build
from syncflow.compiler.texts import normaliser, tidier
from syncflow.config.models.schema import ObjectField
from syncflow.events import Routed
from tests.compiler.projects import changed, open_project
from tests.compiler.test_build import routed

TRIMS = changed("adapters/crm.yaml", ("base_url", "texts: {trim: true}\nbase_url"))


@pytest.mark.parametrize(
    ("field", "key", "compared", "sent"),
    [
        (ObjectField(), " A1 ", " A1 ", None),
        (ObjectField(case_sensitive=False), "A1 ", "a1 ", None),
        (ObjectField(trim=True), "\tA1 ", "A1", "A1"),
        (ObjectField(trim=True, case_sensitive=False), "A1 ", "a1", "A1"),
        (ObjectField(trim=True), "\r", "", ""),
        (ObjectField(unicode="NFC"), "A\u030a ", "\u00c5 ", "\u00c5 "),
        (ObjectField(unicode="NFKC", trim=True, case_sensitive=False), " \ufb01A", "fia", "fiA"),
    ],
)
def test_keys_are_compared_and_sent_as_a_field_says(
    field: ObjectField, key: str, compared: str, sent: str | None
) -> None:
    tidy = tidier(field)
    assert normaliser(field)(key) == compared
    assert (tidy and tidy(key)) == sent
    assert normaliser(field)(compared) == compared


def made(directory: Path, item: dict[str, str]) -> Routed:
    return routed(build(open_project(directory, TRIMS)), item)


def test_a_key_is_sent_without_the_blanks_that_the_other_side_drops(tmp_path: Path) -> None:
    match = made(tmp_path, {"id": " A1 ", "type": "lead", "name": "Ada"}).matches[0]
    assert (match.key.value, match.payload["external_id"]) == ("A1", "A1")


def test_a_key_of_blanks_alone_is_no_key_where_blanks_are_dropped(tmp_path: Path) -> None:
    """Law 3: a dead letter before a request, and a delete that names no record of theirs."""
    found = made(tmp_path, {"id": " \t", "type": "lead", "name": "Ada"})
    assert [(failure.code, failure.reason) for failure in found.failures] == [
        ("no_key", "external_id: the key is empty, or neither text nor a whole number")
    ]


def test_required_text_that_is_blank_there_is_a_dead_letter(tmp_path: Path) -> None:
    """Law 3, with the reason; the value is not told."""
    found = made(tmp_path, {"id": "A1", "type": "lead", "name": "  "})
    assert [(failure.code, failure.reason) for failure in found.failures] == [
        ("required", "last_name: a value is required, found blanks only, which are dropped there")
    ]


@pytest.mark.parametrize("field", [None, ObjectField(), ObjectField(case_sensitive=False), ObjectField(trim=True)])
def test_a_rule_can_be_handed_to_the_process_of_the_journal(field: ObjectField | None) -> None:
    rule = normaliser(field)
    assert pickle.loads(pickle.dumps(rule))(" Ab ") == rule(" Ab ")

"""What ``validate`` says of a source ``kafka`` before a broker is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from syncflow.config.models.routes import Envelope
from syncflow.config.models.sources import SourceSettings
from syncflow.config.source_settings import check_sources
from tests.compiler.projects import open_project

INSTALLED = ("confluent_kafka", "fastavro")
GIVEN = {"servers": "kafka-1:9092,[::1]:9093", "topics": ["contacts"]}


def said(
    folder: Path, kafka: dict[str, Any], *installed: str, envelope: Envelope | None = None
) -> list[tuple[str, str, str, str]]:
    routes = open_project(folder).routes
    source = SourceSettings.model_validate({"kafka": GIVEN | kafka})
    changed = {"source": source} | ({} if envelope is None else {"envelope": envelope})
    model = routes.model.model_copy(update=changed)
    found = check_sources(replace(routes, model=model), is_installed=installed.__contains__)
    return [(each.code, each.message, each.expected, each.hint) for each in found]


def test_good_settings_are_good(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    sasl, tls = {"mechanism": "PLAIN", "user": "u", "password": "p"}, {"ca": "ca.pem"}
    avro = {"avro": {"registry": "https://registry.internal:8081/v1"}}
    assert said(tmp_path, {"sasl": sasl, "tls": tls, "format": avro, "start": "2026-03-01"}, *INSTALLED) == []


def test_missing_packages_are_named_with_their_extra(tmp_path: Path) -> None:
    missing = ("SF222", "reading from Kafka needs a package that is not installed", "", "pip install 'syncflow[kafka]'")
    assert said(tmp_path, {}) == [missing]
    assert said(tmp_path, {}, "confluent_kafka") == []
    avro = {"avro": {"registry": "https://registry.internal"}}
    assert said(tmp_path, {"format": avro}, "confluent_kafka") == [missing]


REGISTRY = {"user": "ada", "password": "secret-word"}


@pytest.mark.parametrize(
    ("kafka", "problem"),
    [
        (
            {"servers": "kafka-1"},
            (
                "SF205",
                "`servers` is not written like this",
                "brokers with their ports, such as kafka-1:9092,kafka-2:9092",
                "",
            ),
        ),
        (
            {"servers": "kafka://kafka-1:9092"},
            (
                "SF205",
                "`servers` is not written like this",
                "brokers with their ports, such as kafka-1:9092,kafka-2:9092",
                "",
            ),
        ),
        (
            {"topics": ["con tacts"]},
            (
                "SF205",
                "this is no name of a topic",
                "the name of a topic: letters, digits, dots, underscores and hyphens",
                "",
            ),
        ),
        ({"topics": ["a", "a"]}, ("SF205", "`a` is named twice", "each topic once", "")),
        (
            {"sasl": {"mechanism": "PLAIN", "user": "u", "password": "p"}},
            (
                "SF521",
                "the password would go to the brokers as it is, where anyone on the way reads it",
                "",
                "add `tls: {}`, or use a SCRAM mechanism",
            ),
        ),
        ({"tls": {"ca": "none.pem"}}, ("SF515", "there is no file none.pem", "a file (PEM), relative to this one", "")),
        (
            {"format": {"avro": {"registry": "registry.internal:8081"}}},
            ("SF205", "`registry` is not written like this", "an address such as https://registry.internal:8081", ""),
        ),
        (
            {"format": {"avro": {"registry": "https://ada:secret-word@registry.internal"}}},
            ("SF205", "the address holds a password", "", "write `user` and `password` beside it"),
        ),
        (
            {"format": {"json_schema": {"registry": "http://registry.internal"} | REGISTRY}},
            (
                "SF521",
                "the password would go to the registry over http, where anyone on the way reads it",
                "",
                "write https://registry.internal",
            ),
        ),
    ],
    ids=["no-port", "scheme", "topic", "twice", "clear", "no-file", "registry", "in-address", "http"],
)
def test_settings_that_cannot_be_meant_are_told(
    kafka: dict[str, Any], problem: tuple[str, str, str, str], tmp_path: Path
) -> None:
    assert said(tmp_path, kafka, *INSTALLED) == [problem]


def test_rows_of_a_topic_that_names_no_kind_are_told(tmp_path: Path) -> None:
    envelope = Envelope.model_validate({"shape": "row", "records": {"crm.contacts": "contacts"}})
    assert said(tmp_path, {"topics": ["crm.contacts"]}, *INSTALLED, envelope=envelope) == []
    hint = "name it: envelope: {shape: row, records: {people: contacts}}"
    (found,) = said(tmp_path, {"topics": ["people"]}, *INSTALLED, envelope=envelope)
    assert (found[0], found[1], found[3]) == ("SF404", "which kind of record is a row of `people`?", hint)


@pytest.mark.parametrize("start", ["yesterday", "2026-13-01"])
def test_a_start_that_is_no_time_is_refused(start: str) -> None:
    with pytest.raises(ValidationError, match="`start` is not written like this"):
        SourceSettings.model_validate({"kafka": GIVEN | {"start": start}})

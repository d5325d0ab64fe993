"""What ``validate`` says of a source ``rabbitmq`` or ``nats`` before a broker is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncflow.config.models.sources import SourceSettings
from syncflow.config.source_settings import check_sources
from tests.compiler.projects import open_project

RABBITMQ = {"url": "amqp://sync:hidden@h/crm", "queue": "contacts"}
NATS = {"servers": "nats://h:4222", "stream": "CRM"}
INSTALLED = ("aio_pika", "nats", "cryptography")

Said = list[tuple[str, str, str]]


def said(folder: Path, source: dict[str, Any], *installed: str) -> Said:
    routes = open_project(folder).routes
    model = routes.model.model_copy(update={"source": SourceSettings.model_validate(source)})
    found = check_sources(replace(routes, model=model), is_installed=installed.__contains__)
    return [(each.code, each.message, each.hint or each.expected) for each in found]


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path) -> None:
    needs = "needs a package that is not installed"
    assert said(tmp_path, {"rabbitmq": RABBITMQ}) == [
        ("SF222", f"reading from RabbitMQ {needs}", "pip install 'syncflow[rabbitmq]'")
    ]
    (tmp_path / "sync.creds").write_text("made by nsc", "utf-8")
    assert said(tmp_path, {"nats": NATS | {"credentials": "sync.creds"}}) == [
        ("SF222", f"reading from NATS {needs}", "pip install 'syncflow[nats]'"),
        ("SF222", f"signing in by `credentials` {needs}", "pip install 'syncflow[signatures]'"),
    ]


URL = ("SF205", "`url` is not written like this", "an address such as amqp://user:password@host:5672/vhost")
SERVERS = ("SF205", "`servers` is not written like this", "an address such as nats://host:4222 or tls://host:4222")
CASES: list[tuple[str, dict[str, Any], Said]] = [
    ("all is well", {"rabbitmq": RABBITMQ}, []),
    ("all is well there", {"nats": NATS | {"user": "a", "password": "b", "start": "2026-03-01"}}, []),
    ("a default virtual host", {"rabbitmq": RABBITMQ | {"url": "amqps://h:5671/%2f?heartbeat=10"}}, []),
    ("another protocol", {"rabbitmq": RABBITMQ | {"url": "http://h/crm"}}, [URL]),
    ("two parts of a path", {"rabbitmq": RABBITMQ | {"url": "amqp://h/a/b"}}, [URL]),
    (
        "certificates in clear",
        {"rabbitmq": RABBITMQ | {"tls": {}}},
        [("SF205", "certificates are given, but the connection does not speak TLS", "write amqps:// in `url`")],
    ),
    (
        "no such certificate",
        {"nats": NATS | {"tls": {"ca": "ca.pem"}}},
        [("SF515", "there is no file ca.pem", "a file (PEM), relative to this one")],
    ),
    ("one of several servers", {"nats": NATS | {"servers": ["nats://a", "amqp://b"]}}, [SERVERS]),
    (
        "two ways to sign in",
        {"nats": NATS | {"user": "a", "password": "b", "token": "c"}},
        [("SF205", "`user` and `token` are two ways to sign in", "one of them")],
    ),
    (
        "no password",
        {"nats": NATS | {"user": "a"}},
        [("SF205", "`user` is given without `password`", "add `password`")],
    ),
    (
        "no file of credentials",
        {"nats": NATS | {"credentials": "sync.creds"}},
        [("SF515", "there is no file sync.creds", "a file (.creds or .nk), relative to this one")],
    ),
    (
        "a start that is no time",
        {"nats": NATS | {"start": "yesterday"}},
        [("SF205", "`start` is not written like this", "all, new, or a time such as 2026-03-01T00:00:00Z")],
    ),
]


@pytest.mark.parametrize(("source", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_settings_that_cannot_be_right_are_told(source: dict[str, Any], expected: Said, tmp_path: Path) -> None:
    assert said(tmp_path, source, *INSTALLED) == expected

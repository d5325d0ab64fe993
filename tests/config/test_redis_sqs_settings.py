"""What ``validate`` says of a source ``redis`` or ``sqs`` before anything is opened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncflow.config.models.sources import SourceSettings
from syncflow.config.source_settings import check_sources
from tests.compiler.projects import open_project


def said(folder: Path, source: dict[str, Any], *installed: str) -> list[tuple[str, str, str, str]]:
    routes = open_project(folder).routes
    model = routes.model.model_copy(update={"source": SourceSettings.model_validate(source)})
    found = check_sources(replace(routes, model=model), is_installed=installed.__contains__)
    return [(each.code, each.message, each.expected, each.hint) for each in found]


REDIS = {"url": "redis://sync:hidden@h:6379/0", "stream": "contacts"}
SQS = {"queue": "contacts", "region": "eu-central-1"}
ADDRESS = "an address such as redis://user:password@host:6379/0"
SIGNS = "signs such as @ or / in a password are written %40, %2F"
QUEUE = "a name, a URL such as https://sqs.eu-central-1.amazonaws.com/123456789012/contacts, or an ARN"

CASES: list[tuple[dict[str, Any], list[tuple[str, str, str, str]]]] = [
    ({"redis": REDIS}, []),
    ({"redis": REDIS | {"url": "unix:///run/redis.sock?db=1"}}, []),
    ({"redis": REDIS | {"url": "rediss://h", "tls": {"ca": "ca.pem"}}}, []),
    ({"redis": REDIS | {"url": "${REDIS_URL}"}}, []),
    ({"redis": REDIS | {"url": "h:6379"}}, [("SF205", "`url` is not written like this", ADDRESS, SIGNS)]),
    (
        {"redis": REDIS | {"url": "redis://sync:hid/den@h/0"}},
        [("SF205", "`url` is not written like this", ADDRESS, SIGNS)],
    ),
    (
        {"redis": REDIS | {"tls": {"ca": "ca.pem"}}},
        [("SF205", "`tls` is for a connection over TLS", "", "write rediss:// in `url`")],
    ),
    ({"sqs": SQS}, []),
    ({"sqs": {"queue": "https://sqs.eu-central-1.amazonaws.com/123456789012/contacts.fifo"}}, []),
    ({"sqs": {"queue": "arn:aws:sqs:eu-central-1:123456789012:contacts"}}, []),
    ({"sqs": {"queue": "my contacts"}}, [("SF205", "`queue` is not written like this", QUEUE, "")]),
    (
        {"sqs": SQS | {"endpoint": "sqs.internal:9324"}},
        [("SF205", "`endpoint` is not written like this", "an address such as https://sqs.internal:9324", "")],
    ),
    (
        {"sqs": SQS | {"access_key": "k"}},
        [("SF205", "`access_key` is given without `secret_key`", "", "add `secret_key`, or leave both out")],
    ),
    (
        {"sqs": SQS | {"secret_key": "k"}},
        [("SF205", "`secret_key` is given without `access_key`", "", "add `access_key`, or leave both out")],
    ),
]


@pytest.mark.parametrize(("source", "expected"), CASES, ids=[str(number) for number in range(len(CASES))])
def test_settings_that_cannot_work_are_told(
    source: dict[str, Any], expected: list[tuple[str, str, str, str]], tmp_path: Path
) -> None:
    assert said(tmp_path, source, "redis", "boto3") == expected


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path) -> None:
    message = "reading from Redis needs a package that is not installed"
    assert said(tmp_path, {"redis": REDIS}) == [("SF222", message, "", "pip install 'syncflow[redis]'")]
    message = "reading from SQS needs a package that is not installed"
    assert said(tmp_path, {"sqs": SQS}) == [("SF222", message, "", "pip install 'syncflow[sqs]'")]


def test_secrets_of_settings_are_not_shown() -> None:
    sqs = SourceSettings.model_validate({"sqs": SQS | {"access_key": "k", "secret_key": "hidden"}})
    assert "hidden" not in repr(sqs) + repr(SourceSettings.model_validate({"redis": REDIS}))

"""``traces:`` and OTEL_* by a real collector: what reaches it, what must not, and that a bad one costs no event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import Command
from tests.servers.collector import collector, values


def with_traces(project: Path, text: str) -> None:
    path = project / "routes.yaml"
    path.write_text(path.read_text("utf-8") + f"\ntraces: {text}\n", "utf-8")


def test_a_run_tells_a_collector_what_it_does(command: Command, from_file: Path, mock: Running) -> None:
    with collector() as taken:
        with_traces(from_file, f'{{to: "{taken.url}", headers: {{Authorization: Bearer s3cret}}, sample: 100%}}')
        ended = command("run", "--quiet")
        status = json.loads(command("status", "--output", "json").out)["last_run"]
    assert {header["authorization"] for header in taken.headers} == {"Bearer s3cret"}
    assert set(taken.paths) == {"/v1/traces"}
    names = [span.name for span in taken.spans]
    assert names.count("chunk") == names.count("commit") == 1
    assert {"send hubspot/contacts", "send salesforce/Contact", "POST"} <= set(names)
    request = values(next(span for span in taken.spans if span.name == "POST"))
    assert request["server.address"] == "127.0.0.1"
    assert request["http.response.status_code"] in range(200, 500)
    resource = taken.resource
    assert (resource["service.name"], resource["syncflow.run"]) == ("syncflow", status["run"])
    assert resource["service.instance.id"] == status["worker"]
    assert b"s3cret" not in b"".join(taken.bodies)
    assert "s3cret" not in ended.out + ended.err


def test_the_standard_variables_ask_for_traces(
    command: Command, from_file: Path, mock: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as taken:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", taken.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=ours")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "crm-sync")
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
        command("run", "--quiet")
    assert taken.resource["service.name"] == "crm-sync"
    assert taken.headers[0]["x-tenant"] == "ours"
    assert {"chunk", "POST"} <= {span.name for span in taken.spans}


@pytest.mark.parametrize(("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")])
def test_the_standard_variables_forbid_traces(
    name: str, value: str, command: Command, from_file: Path, mock: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with collector() as taken:
        with_traces(from_file, f'{{to: "{taken.url}", sample: 100%}}')
        monkeypatch.setenv(name, value)
        command("run", "--quiet")
    assert taken.bodies == []


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("refuses", "status 503"),
        ("redirects", "status 307"),
        ("never_answers", "the run has ended"),
        ("never_ends", ""),
        ("down", "the run has ended"),
    ],
)
def test_a_bad_collector_costs_no_event(
    how: Any, reason: str, command: Command, from_file: Path, mock: Running
) -> None:
    """The run has ended before the collector lets go of those who wait for it."""
    with collector("takes" if how == "down" else how) as taken:
        url = "http://127.0.0.1:9" if how == "down" else taken.url
        with_traces(from_file, f'{{to: "{url}/v1/s3cret", sample: 100%}}')
        ended = command("run", "--output", "json")
        assert not taken.released.is_set()
    told = json.loads(ended.out)
    assert (told["events"]["routed"], told["open"]) == (8, 0)
    assert ("traces.lost" in ended.err) == bool(reason), ended.err
    assert reason in ended.err
    assert "s3cret" not in ended.out + ended.err


def test_no_secret_of_traces_is_shown(command: Command, from_file: Path) -> None:
    with_traces(from_file, '{to: "ftp://collector/s3cret", headers: {Authorization: [s3cret]}, sample: many}')
    ended = command("validate")
    assert ended.code == 1
    assert "s3cret" not in ended.out + ended.err
    assert "traces" in ended.out + ended.err

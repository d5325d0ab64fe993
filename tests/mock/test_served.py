"""The mock behind a real socket: started, spoken to, stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from syncflow.mock import Settings, running_mock, serve
from tests.patience import PATIENCE

from .kit import UNLIMITED

ROOT = Path(__file__).resolve().parents[2]


def test_a_running_mock_serves_all_systems_and_stops_with_its_block() -> None:
    with (
        running_mock(Settings().changed(UNLIMITED)) as running,
        httpx.Client(base_url=running.url, timeout=PATIENCE) as client,
    ):
        form = {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo"}
        signed = client.post("/salesforce/services/oauth2/token", data=form).json()
        assert signed["instance_url"] == f"{running.url}/salesforce"
        headers = {"Authorization": f"Bearer {signed['access_token']}"}
        record = {"attributes": {"type": "Contact"}, "External_Id__c": "A1", "LastName": "Löwe"}
        address = signed["instance_url"] + "/services/data/v67.0/composite/sobjects/Contact/External_Id__c"
        result = client.patch(address, headers=headers, json={"records": [record]}).json()
        assert result[0]["success"]
        assert running.mock.salesforce.records()["Contact"][0]["LastName"] == "Löwe"
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.url, timeout=PATIENCE)


def test_two_running_mocks_know_nothing_of_each_other() -> None:
    with running_mock(Settings().changed(UNLIMITED)) as one, running_mock(Settings().changed(UNLIMITED)) as other:
        person = {"person": {"display_name": "Ada", "kind": "vendor"}}
        httpx.put(
            f"{one.url}/directory/v1/people/A1", headers={"X-Directory-Key": "demo-key"}, json=person, timeout=PATIENCE
        )
        assert (one.mock.directory.counts(), other.mock.directory.counts()) == ({"people": 1}, {"people": 0})


def test_a_body_in_chunks_is_read_whole() -> None:
    with running_mock(Settings().changed(UNLIMITED)) as running:
        parts = (part for part in (b'{"properties": {"email"', b': "a@b.example"}}'))
        headers = {"Authorization": "Bearer demo", "Content-Type": "application/json"}
        answer = httpx.post(
            f"{running.url}/hubspot/crm/v3/objects/contacts", headers=headers, content=parts, timeout=PATIENCE
        )
        assert answer.status_code == 201


def test_a_port_that_is_taken_is_an_error_of_the_system() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="Address already in use"):
            serve("127.0.0.1", taken.getsockname()[1], settings=Settings())


def test_settings_in_the_environment_that_are_not_valid_end_the_start_with_a_message() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import mock_api"],
        cwd=ROOT,
        env={**os.environ, "MOCK_RATE": "fast", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(
        "the settings of the mock are not valid:\nsalesforce.rate: a rate is written like 5/s"
    )
    assert "Traceback" not in ended.stderr

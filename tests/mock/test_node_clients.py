"""The vendors' clients for Node work against the mock unmodified: ``node/*.mjs`` say what they do, and end well if it went well."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncflow.mock import Running, Settings, running_mock
from tests.patience import PATIENCE

from .kit import UNLIMITED

FOLDER = Path(__file__).parent / "node"
CLIENTS = {"salesforce": "jsforce", "hubspot": "@hubspot/api-client"}


@pytest.fixture(scope="module")
def served() -> Iterator[Running]:
    with running_mock(Settings().changed(UNLIMITED)) as running:
        yield running


@pytest.mark.parametrize(("script", "client"), CLIENTS.items(), ids=CLIENTS.values())
def test_client(script: str, client: str, served: Running) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on this machine")
    if not (FOLDER / "node_modules" / client).is_dir():
        pytest.skip(f"{client} is not installed: `make node-clients` does that")
    ended = subprocess.run(
        [node, FOLDER / f"{script}.mjs", served.url], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_the_lock_has_hashes_and_says_nothing_of_where_it_is_downloaded() -> None:
    packages = json.loads((FOLDER / "package-lock.json").read_text("utf-8"))["packages"]
    wanted = json.loads((FOLDER / "package.json").read_text("utf-8"))["dependencies"]
    ours = packages.pop("")
    assert ours["dependencies"] == wanted
    assert all("resolved" not in package and package["integrity"] for package in packages.values())
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted

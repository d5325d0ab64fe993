"""Asking a mock in this process, and comparing its answers with what a table expects."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from syncflow.mock import Mock, Settings, create_app

Case = dict[str, Any]
_HERE = Path(__file__).parent
_OFF = {"rate": "off"}
UNLIMITED = {"salesforce": _OFF, "hubspot": _OFF, "directory": _OFF}


class Asker:
    """A client of one mock, which has no limits unless ``settings`` sets them."""

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        self.mock = Mock(Settings().changed(UNLIMITED).changed(settings or {}))
        self._app = create_app(mock=self.mock)

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send one request."""
        return asyncio.run(self._ask(method, path, request))

    async def _ask(self, method: str, path: str, request: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(app=self._app)
        async with httpx.AsyncClient(transport=transport, base_url="http://mock") as client:
            return await client.request(method, path, **request)


def cases(file: str) -> list[Any]:
    """The cases of a table beside this file, each under its own name."""
    table = yaml.safe_load((_HERE / file).read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["law"]) for case in table["cases"]]


def play(case: Case, *, mount: str, headers: dict[str, str]) -> None:
    """Send the steps of a case one after the other, and compare each answer."""
    asker = Asker(case.get("settings"))
    for step in case["steps"]:
        method, _, path = step["send"].partition(" ")
        request = {key: step[key] for key in ("json", "data", "content", "params") if key in step}
        answer = asker.ask(method, mount + path, headers={**headers, **step.get("headers", {})}, **request)
        place = f"{step['send']}\n{answer.text[:2000]}"
        assert answer.status_code == step["status"], place
        for name, value in step.get("answer_headers", {}).items():
            compare(answer.headers.get(name), value, f"header {name} of {place}")
        if "body" in step:
            compare(answer.json() if answer.content else None, step["body"], place)


def compare(found: Any, expected: Any, place: str) -> None:
    """Objects may have more keys than expected, lists not more items; ``~`` begins a regular expression, ``^absent`` no key."""
    if isinstance(expected, dict):
        assert isinstance(found, dict), place
        for key, value in expected.items():
            if value == "^absent":
                assert key not in found, f"{key} is there: {place}"
            else:
                assert key in found, f"no {key}: {place}"
                compare(found[key], value, f"{key} in {place}")
    elif isinstance(expected, list):
        assert isinstance(found, list), place
        assert len(found) == len(expected), place
        for one, other in zip(_ordered(found), expected, strict=True):
            compare(one, other, place)
    elif isinstance(expected, str) and expected.startswith("~"):
        assert re.search(expected[1:], str(found)), f"{found!r} is not like {expected[1:]!r}: {place}"
    else:
        assert found == expected, place


def _ordered(found: list[Any]) -> list[Any]:
    """Results whose order the vendor does not promise are compared in order of their ids."""
    if found and all(isinstance(each, dict) and "properties" in each for each in found):
        return sorted(found, key=lambda each: str(each["id"]))
    return found

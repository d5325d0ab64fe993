"""The mock systems as the tests of commands turn and read them, and the sample that they are sent."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from syncflow.mock.server import Running


def good_events(project: Path) -> None:
    """Leave out of the sample what is wrong on purpose."""
    path = project / "events.jsonl"
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")


def held(mock: Running, system: str, kind: str) -> int:
    with urllib.request.urlopen(f"{mock.url}/admin/summary") as answer:
        count: int = json.load(answer)[system]["records"][kind]
    return count


def settings(mock: Running, patch: dict[str, object]) -> None:
    body = json.dumps(patch).encode()
    request = urllib.request.Request(
        f"{mock.url}/admin/settings", body, {"Content-Type": "application/json"}, method="PUT"
    )
    urllib.request.urlopen(request).close()


def sample(project: Path, *lines: int) -> None:
    """Leave only these lines of the sample events, counted from 1."""
    path = project / "events.jsonl"
    every = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(every[line - 1] for line in lines), "utf-8")

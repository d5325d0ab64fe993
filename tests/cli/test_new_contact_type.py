"""A seventh contact type is two lines of YAML: it is generated, validated, routed, delivered. A third system is YAML too."""

from __future__ import annotations

import json
import shutil
import urllib.request
from pathlib import Path

import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import ROOT, Command


def replace(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), "utf-8")


def records(mock: Running, system: str, kind: str) -> list[dict[str, object]]:
    with urllib.request.urlopen(f"{mock.url}/admin/records/{system}/{kind}") as answer:
        return list(json.load(answer)["records"])


def test_a_seventh_contact_type_needs_a_word_in_the_schema_and_a_line_in_the_table(
    command: Command, project: Path, mock: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(project / "schemas/contact.yaml", "partner, vendor]", "partner, vendor, student]")
    replace(project / "routes.yaml", "      vendor: hubspot\n", "      vendor: hubspot\n      student: hubspot\n")
    monkeypatch.setenv("EVENTS_PER_SECOND", "1000")
    assert command("validate", "--strict").code == 0
    ended = command("run", "--limit", "60", "--quiet", "--output", "json")
    assert (ended.code, json.loads(ended.out)["dead_letters"]) == (0, 0)
    assert '"student"' in json.dumps(records(mock, "hubspot", "contacts"))
    assert "tudent" not in json.dumps(records(mock, "salesforce", "Contact"))


def test_a_third_system_is_validated_shown_and_delivered_to(
    command: Command, project: Path, mock: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = shutil.copytree(ROOT / "examples" / "third-system", project / "examples" / "third-system")
    monkeypatch.setenv("EVENTS_PER_SECOND", "1000")
    routes = example / "routes.yaml"
    assert command("validate", routes, "--strict").code == 0
    shown = command("dry-run", routes, "--events", project / "events.jsonl").out
    assert "/directory/v1/people/" in shown
    assert "demo-key" not in shown
    assert command("run", routes, "--limit", "20", "--quiet").code == 0
    people = records(mock, "directory", "people")
    assert {person["kind"] for person in people} <= {"partner", "vendor"}
    assert people

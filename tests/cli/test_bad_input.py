"""What bad input gets: a plain message with its place, the right exit code, nothing lost, and never a traceback."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import Command, Ended
from tests.cli.systems import held, settings

SCHEMA = "schemas/contact.yaml"
FILES: dict[str, tuple[str, bytes, str]] = {
    "empty": (SCHEMA, b"", f"{SCHEMA}:1:1: SF"),
    "only a comment": (SCHEMA, b"# nothing yet\n", f"{SCHEMA}:1:"),
    "not UTF-8": (SCHEMA, b"type: object\ntitle: Gr\xfc\xdfe\n", f"{SCHEMA}:2:10: SF"),
    "a list": (SCHEMA, b"- type: object\n", f"{SCHEMA}:1:1: SF"),
    "two documents": (SCHEMA, b"type: object\n---\ntype: object\n", f"{SCHEMA}:2:1: SF"),
    "cyclic by alias": (SCHEMA, b"type: object\nproperties: &all\n  id: *all\n", f"{SCHEMA}:3:7: SF"),
    "huge": (SCHEMA, b"type: object\n" + b"# more\n" * 2_000_000, f"{SCHEMA}: SF105 the file is larger than 10 MB"),
    "no YAML": ("routes.yaml", b"routes: [\n", "routes.yaml:2:1: SF"),
}  # fmt: skip


def said(ended: Ended, *, code: int = 1) -> str:
    text = ended.out + ended.err
    assert "Traceback" not in text
    assert ended.code == code, text
    return text


@pytest.mark.parametrize(("name", "content", "told"), FILES.values(), ids=FILES)
@pytest.mark.parametrize("command_name", ["validate", "run", "check"])
def test_a_bad_file_is_told_with_its_place(
    command: Command, project: Path, command_name: str, name: str, content: bytes, told: str
) -> None:
    (project / name).write_bytes(content)
    assert told in said(command(command_name))
    assert not (project / ".syncflow" / "journal.db").exists(), "nothing was begun"


def test_a_missing_file_is_told_where_it_is_named(command: Command, project: Path) -> None:
    (project / SCHEMA).unlink()
    for command_name in ("validate", "run"):
        assert ":13: SF101 there is no file schemas/contact.yaml" in said(command(command_name))


def test_a_missing_variable_is_told_where_it_is_needed(command: Command, project: Path) -> None:
    assert ":20: SF121 the variable SALESFORCE_URL is not set" in said(command("run", "--profile", "live"))


def event(number: int, **item: Any) -> dict[str, Any]:
    known = {"id": f"A{number}", "name": "Ada Lovelace", "contact_type": "lead"}
    return {"record": "contacts", "operation": "create", "timestamp": "2024-01-15T10:30:00", "item": known | item}


def test_lines_that_are_no_events_are_kept_as_dead_letters(command: Command, from_file: Path, mock: Running) -> None:
    giant = b'{"note": "' + b"n" * 50_000_000 + b'"}'
    odd = [b"not JSON at all", b"[1, 2]", giant]
    good = [json.dumps(event(number)).encode() for number in (1, 2)]
    (from_file / "events.jsonl").write_bytes(b"\n".join([good[0], *odd, good[1]]) + b"\n")
    said(command("run", "--quiet"))
    assert held(mock, "salesforce", "Contact") == 2
    found = json.loads(command("dlq", "list", "--output", "json").out)["dead_letters"]
    assert [(row["line"], row["stage"], row["code"]) for row in reversed(found)] == [
        (2, "source", "not_json"),
        (3, "source", "not_an_object"),
        (4, "source", "unreadable"),
    ]
    letter = json.loads(command("dlq", "show", str(found[0]["id"]), "--output", "json").out)
    assert (letter["length"], letter["sha256"]) == (len(giant), hashlib.sha256(giant).hexdigest())
    assert letter["raw"].encode() == giant[:4096]
    shown = command("dlq", "show", str(found[0]["id"])).out
    assert f"50,000,012 bytes, sha256 {letter['sha256']}; its first 4,096 are kept" in shown
    assert "place    line 4" in shown


def test_a_type_that_nobody_routes_is_warned_of_and_kept(command: Command, from_file: Path, mock: Running) -> None:
    schema, events = from_file / SCHEMA, from_file / "events.jsonl"
    schema.write_text(schema.read_text("utf-8").replace("vendor]", "vendor, student]"), "utf-8")
    assert "SF410" in said(command("validate", "--strict"))
    events.write_text(json.dumps(event(1, contact_type="student")) + "\n", "utf-8")
    said(command("run", "--quiet"))
    (letter,) = json.loads(command("dlq", "list", "--output", "json").out)["dead_letters"]
    assert (letter["stage"], letter["code"], letter["record"]) == ("route", "unrouted", "A1")


def test_a_system_that_answers_with_web_pages_is_told_and_loses_nothing(
    command: Command, from_file: Path, mock: Running
) -> None:
    (from_file / "events.jsonl").write_text(json.dumps(event(1)) + "\n", "utf-8")
    settings(mock, {"salesforce": {"faults": {"html": 1.0}}})
    assert "it is HTML" in said(command("check"), code=3), "a proxy answers, not the system: it may pass"
    said(command("run", "--quiet", "--wait", "0"))
    settings(mock, {"salesforce": {"faults": {}}})
    assert command("run", "--quiet").code == 0
    assert held(mock, "salesforce", "Contact") == 1

"""An adapter may stand in ``routes.yaml`` itself: a system is described where it is named, and checked like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncflow.compiler.build import build
from syncflow.compiler.problems import check
from syncflow.config.project import Project, load_project, survey_project
from syncflow.events import Verdict
from syncflow.testing import run_virtually
from tests.adapters.kit import Network, send, simple_batch

ROUTES = """
version: 1
source: {file: {path: events.jsonl}}
records: {contacts: {schema: contact.yaml}}
systems:
  hook:
    auth: {key: "${HOOK_KEY}"}
    adapter:
      base_url: https://hook.example.com
      auth: {key: {settings: {key: secret}, headers: {X-Key: "{{ auth.key }}"}}}
      objects: {person: {keys: [id]}}
      operations:
        upsert: {repeat: safe, request: {put: "/people/{{ key.value }}", headers: {X-Kind: "{{ record.kind }}"}, json: payload}}
        delete: {repeat: safe, request: {delete: "/people/{{ key.value }}"}}
routes:
  - {to: hook, mapping: hook.yaml}
"""
FILES = {
    "routes.yaml": ROUTES,
    "contact.yaml": "type: object\nrequired: [id]\nproperties: {id: {type: string}, name: {type: string}}\n",
    "hook.yaml": "source: contacts\ntarget: hook/person\nkey: id\nfields: {id: item.id, name: item.name, made_up: {value: 1}}\n",
    "events.jsonl": "",
}


def project(folder: Path, change: tuple[str, str] = ("", "")) -> Path:
    for name, text in FILES.items():
        (folder / name).write_text(text)
    assert change[0] in ROUTES
    (folder / "routes.yaml").write_text(ROUTES.replace(*change) if change[0] else ROUTES)
    return folder / "routes.yaml"


def load(folder: Path) -> Project:
    return load_project(project(folder), environment={"HOOK_KEY": "planted"})


def test_a_system_is_described_where_it_is_named(tmp_path: Path) -> None:
    loaded = load(tmp_path)
    assert [found.message for found in check(loaded) if found.is_error] == []
    program = build(loaded)
    exchange: dict[str, Any] = {
        "sent": {"put": "/people/K1", "headers": {"x-kind": "contacts", "x-key": "planted"}, "json": {"id": "K1"}},
        "got": {"status": 204},
    }
    from syncflow.adapters.gate import OpenGate

    sent = simple_batch(system="hook", object="person", key_name="id", payload={"id": "K1"})
    result = run_virtually(send(program.systems["hook"], Network([exchange]), sent, gate=OpenGate()))
    assert result.outcomes[0].verdict is Verdict.DELIVERED


def test_its_secrets_are_secrets(tmp_path: Path) -> None:
    assert "planted" in load(tmp_path).secrets


WRONG = {
    "a word that is none": (
        ("repeat: safe, request: {put:", "repeat: safe, reqest: {put:"),
        ["routes.yaml:13:32: SF201 unknown key `reqest` in `operations.upsert`"],
    ),
    "a name that is not there": (
        ('key.value }}", headers', 'keys.value }}", headers'),
        ["13:59: SF501 nothing here is called keys"],
    ),
    "no repeat": (
        ("delete: {repeat: safe, request", "delete: {request"),
        ["SF202 `operations.delete` has no `repeat`"],
    ),
}


@pytest.mark.parametrize(("change", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_has_its_place_in_the_file(change: tuple[str, str], expected: list[str], tmp_path: Path) -> None:
    survey = survey_project(project(tmp_path, change), environment={}, offline=True)
    found = survey.checked_by(check)
    said = [
        f"{Path(d.span.file).name}:{d.span.line}:{d.span.column}: {d.code} {d.message}" for d in found if d.is_error
    ]
    assert len(said) == len(expected)
    assert all(words in line for words, line in zip(expected, said, strict=True)), said

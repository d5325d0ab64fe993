"""schema pull: any object of a system, before there is a file of it."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from syncflow.mock.server import Running
from tests.cli.conftest import Command

MAPPINGS = {
    "salesforce": ("Project__c", "External_Id__c: item.id, Name: 'truncate(item.name, `80`)'", "External_Id__c"),
    "hubspot": ("2-1004", "syncflow_id: item.id, name: item.name", "syncflow_id"),
}


@pytest.fixture
def own_objects(from_file: Path, mock: Running) -> Path:
    """A project whose mappings write to objects that neither the package nor the project describes; the systems have them."""
    for place in ("salesforce/Project__c", "hubspot/projects"):
        urllib.request.urlopen(urllib.request.Request(f"{mock.url}/admin/objects/{place}", method="POST")).close()
    for path in (from_file / "objects").iterdir():
        path.unlink()
    for system, (name, fields, key) in MAPPINGS.items():
        text = f"source: contacts\ntarget: {system}/{name}\nkey: {key}\nfields: {{{fields}}}\n"
        (from_file / "mappings" / f"{system}_contact.yaml").write_text(text, "utf-8")
    events = (from_file / "events.jsonl").read_text("utf-8").splitlines(keepends=True)
    (from_file / "events.jsonl").write_text("".join(events[:-1]), "utf-8")  # the last one is wrong on purpose
    return from_file


def test_an_object_that_nobody_has_described_is_read_validated_and_written_to(
    own_objects: Path, command: Command
) -> None:
    unknown = command("validate")
    assert unknown.code == 1
    assert "the adapter salesforce knows no object `Project__c`" in unknown.out
    assert "or let `syncflow schema pull hubspot 2-1004` do it" in unknown.out
    for system, (name, _, _) in MAPPINGS.items():
        pulled = command("schema", "pull", system, name)
        assert (pulled.code, pulled.err) == (0, "")
        assert pulled.out.startswith(f"wrote objects/{system}_{name}.lock.yaml: ")
    assert command("validate").code == 0
    assert command("validate", "--online").code == 0
    ran = command("run", "--quiet")
    assert "everything is accounted for, nothing is left" in ran.out
    assert ran.code == 0


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("routes.yaml", "systems: 5\n", "routes.yaml"),
        ("adapters/salesforce.yaml", "adapter: salesforce\n", "adapters/salesforce.yaml"),
    ],
    ids=["routes", "an adapter"],
)
def test_what_signing_in_needs_must_be_right(
    file: str, text: str, says: str, own_objects: Path, command: Command
) -> None:
    (own_objects / file).parent.mkdir(exist_ok=True)
    (own_objects / file).write_text(text, "utf-8")
    ended = command("schema", "pull", "salesforce", "Project__c")
    assert ended.code == 1
    assert says in ended.out + ended.err
    assert not list((own_objects / "objects").iterdir())

"""Everything that has a name is described, with examples that are what they show, and the pages of the reference are current."""

from __future__ import annotations

import json
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest
import typer
import yaml
from pydantic import BaseModel

from syncflow.cli.commands import command_line
from syncflow.cli.reference import keys
from syncflow.cli.reference.entries import all_entries
from syncflow.cli.reference.entry import Kind, found
from syncflow.cli.reference.pages import pages
from syncflow.config import models
from syncflow.config.files import Files
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.render import render
from tests.cli.conftest import Command

ROOT = Path(__file__).resolve().parents[2]
COMMAND_LINE = typer.main.get_command(command_line())
ENTRIES = all_entries(COMMAND_LINE)
TABLES = [table for file in keys.FILES for table in keys.tables(file)]
MODELS = {
    name: value
    for module in pkgutil.iter_modules(models.__path__)
    for name, value in vars(import_module(f"{models.__name__}.{module.name}")).items()
    if isinstance(value, type) and issubclass(value, BaseModel)
}
EXAMPLES = [(model, number) for model, shown in keys.examples().items() for number in range(len(shown))]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.file}-{table.model}")
def test_every_key_has_a_type_a_meaning_and_an_example(table: keys.Table) -> None:
    shown = frozenset().union(*map(keys.keys_of, table.examples))
    assert [row.name for row in table.rows if not row.type or not row.meaning] == []
    assert [row.name for row in table.rows if row.name not in shown] == []


@pytest.mark.parametrize(("model", "number"), EXAMPLES)
def test_an_example_is_what_it_shows(model: str, number: int, tmp_path: Path) -> None:
    text = keys.examples()[model][number]
    path = tmp_path / "example.yaml"
    path.write_text(text, "utf-8")
    files = Files(dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "made-up-secret"), offline=True)
    assert files.document(MODELS[model], path) is not None, render(files.diagnostics)


def test_no_example_is_of_a_model_that_is_gone() -> None:
    assert set(keys.examples()) <= {table.model for table in TABLES}


def test_the_pages_are_current() -> None:
    folder = ROOT / "docs" / "reference"
    written = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.md")}
    assert written == pages(COMMAND_LINE), "write them again: make docs"


PAGES = {name: text for name, text in pages(COMMAND_LINE).items() if name.startswith("adapters/")}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_of_an_adapter_says_how_one_begins_what_proves_a_delivery_and_which_fields_there_are(
    name: str, tmp_path: Path
) -> None:
    adapter = Files({}, offline=True).document(AdapterFile, ROOT / "syncflow" / name.replace(".md", ".yaml"))
    assert adapter is not None
    text = PAGES[name]
    block = re.search(r"```yaml\n(# in routes.yaml\n.*?)```", text, re.DOTALL)
    assert block is not None
    systems = yaml.safe_load(block[1])["systems"]
    assert systems[adapter.model.adapter]["adapter"] == adapter.model.adapter
    needed = {key for key, option in adapter.model.options.items() if option.default is None}
    assert set(systems[adapter.model.adapter].get("options", {})) == needed
    rows = [line for line in text.splitlines() if re.match(r"\| `.*(?:upsert|create|update|delete)` \| \d", line)]
    assert len(rows) == len(list(adapter.model.all_operations()))
    assert all(row.rstrip(" |").count(" | ") == 4 for row in rows), rows
    assert [
        one for one, each in adapter.model.objects.items() if each.fields and f"fields of <code>{one}<" not in text
    ] == []


def test_every_kind_is_described() -> None:
    assert {entry.kind for entry in ENTRIES} == set(Kind)
    assert [entry.name for entry in ENTRIES if not entry.summary or not entry.text] == []


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("on_leave", ["routes[].on_leave"]),
        ("ROUTES.on_leave", ["routes[].on_leave"]),
        ("systems.crm.limits", ["systems.NAME.limits"]),
        ("limits", ["systems.NAME.limits", "limits"]),
        ("SF310", ["SF310"]),
        ("phone_e164", ["phone_e164"]),
        ("syncflow_events_total", ["syncflow_events_total"]),
        ("events_total", ["syncflow_events_total"]),
        ("dlq redrive", ["syncflow dlq redrive"]),
        ("hubspot", ["hubspot"]),
        ("crm", []),
        ("NAME", ["describe.name", "key.name", "operations.NAME.steps[].name", "routes[].name", "tests[].name"]),
        ("", []),
    ],
)
def test_an_entry_is_found_by_what_a_person_types(wanted: str, names: list[str]) -> None:
    assert sorted({entry.name for entry in found(ENTRIES, wanted)} - {"target"}) == sorted(names)


def test_a_key_is_described_at_the_terminal(command: Command) -> None:
    assert command("docs", "reserve").out == (
        "systems.NAME.limits.reserve (key of routes)\n"
        "\n"
        "Share of every window of an hour or more that is left to others who use the same account: 0.05.\n"
        "\n"
        "Type: number from 0 to 1. Default: `0.0`.\n"
        "\n"
        "Stands in the routes file, `routes.yaml`.\n"
        "\n"
        "```yaml\n"
        "# in `systems.NAME.limits`\n"
        "requests: [10/s, 100000/d]\n"
        "in_flight: 4\n"
        "reserve: 0.1\n"
        "```\n"
    )


def test_a_name_that_nothing_has_gets_the_nearest(command: Command) -> None:
    refused = command("docs", "on_leve")
    assert (refused.code, refused.err) == (
        1,
        "error: nothing is called 'on_leve'\nhint: did you mean 'on_leave'?\n",
    )


def test_programs_get_entries_as_json(command: Command) -> None:
    printed = json.loads(command("docs", "SF101", "--output", "json").out)
    assert [(entry["kind"], entry["name"], entry["summary"]) for entry in printed["entries"]] == [
        ("diagnostic", "SF101", "A file does not exist")
    ]


def test_all_names_are_listed(command: Command) -> None:
    listed = command("docs").out
    assert all(name in listed for name in ("on_leave", "phone_e164", "SF310", "syncflow_events_total", "hubspot"))

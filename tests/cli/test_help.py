"""Help that can be tried: every command shows examples, each of which works; names are completed; one way names the routes file.

The whole text of each command's help stands in ``cases/help``; ``UPDATE_CASES=1`` writes it anew.
"""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from syncflow.cli.commands import COMMANDS, GROUPS, command_line, group
from syncflow.cli.examples import EXAMPLES
from syncflow.mock.server import Running
from tests.cli.conftest import ROOT, Command
from tests.cli.systems import good_events

CASES = Path(__file__).parent / "cases" / "help"
PROJECT = ROOT / "syncflow" / "cli" / "project"
SERVES = (
    *("syncflow mock", "syncflow mock --port 9000", "syncflow console"),
    "syncflow console --listen 127.0.0.1:9091 --allow redrive,drop",
)
NOTHING_THERE = frozenset(
    {
        "syncflow alerts test",
        "syncflow auth hubspot",
        "syncflow auth hubspot --redirect http://localhost:9000/ --no-browser",
        "syncflow dlq list --system hubspot --since 2h",
        "syncflow dlq drop --code unrouted --yes",
        "syncflow journal move .syncflow/journal.db",
    }
)
"""Examples that exit with 1 where nothing matches them, no database is named, or nobody has to sign in."""
LINES = [line for name in EXAMPLES for line in EXAMPLES[name] if line not in SERVES]


def test_every_command_has_examples() -> None:
    grouped = {f"{name} {each.name}" for name in GROUPS for each in group(name).registered_commands}
    assert set(EXAMPLES) == {*COMMANDS, *GROUPS, *grouped}


@pytest.mark.parametrize("name", ["", *EXAMPLES], ids=lambda name: name or "syncflow")
def test_the_help_is_as_it_was_read_and_fits_80_columns(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = command(*name.split(), "--help").out
    assert max(map(len, shown.splitlines())) <= 80
    assert "..." not in shown.partition("Commands:")[2], "a summary is cut off"
    path = CASES / f"{name.replace(' ', '-') or 'syncflow'}.txt"
    if os.environ.get("UPDATE_CASES"):
        path.write_text(shown, "utf-8")
    assert path.read_text("utf-8") == shown


def test_no_help_is_kept_of_a_command_that_is_gone() -> None:
    assert {path.stem for path in CASES.iterdir()} == {"syncflow", *(name.replace(" ", "-") for name in EXAMPLES)}


@pytest.fixture
def after_a_run(command: Command, from_file: Path, mock: Running) -> Path:
    """A project whose journal holds delivered records and one dead letter, the first."""
    routes, path = from_file / "routes.yaml", from_file / "events.jsonl"
    good_events(from_file)
    good = path.read_text("utf-8")
    bad = [json.loads(line) for line in good.splitlines()[:2]]
    for one in bad:
        one["item"]["contact_type"] = 5
    path.write_text("".join(json.dumps(one) + "\n" for one in bad) + good, "utf-8")
    command("run", "--quiet")
    path.write_text(good, "utf-8")
    routes.write_text((PROJECT / "routes.yaml").read_text("utf-8"), "utf-8")
    return from_file


def test_the_examples_of_the_help_work(command: Command, after_a_run: Path) -> None:
    failed = {}
    for line in LINES:
        ended = command(*shlex.split(line)[1:])
        if ended.code not in ({0, 1} if line in NOTHING_THERE else {0}):
            failed[line] = ended.err + ended.out
    assert failed == {}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_help_shows_the_examples_as_they_are_typed(command: Command, name: str) -> None:
    help_ = command(*name.split(), "--help").out
    assert help_.partition("Examples:\n")[2].splitlines() == [f"    {line}" for line in EXAMPLES[name]]


@pytest.mark.parametrize("name", ["validate", "test", "run", "check", "dry-run", "explain"])
def test_the_routes_file_is_named_by_an_option_or_by_position(command: Command, project: Path, name: str) -> None:
    (project / "routes.yaml").rename(project / "other.yaml")
    for arguments in (["--routes", "gone.yaml"], ["--routes=gone.yaml"], ["gone.yaml"]):
        ended = command(name, *arguments)
        assert ended.code == 1
        assert "gone.yaml: SF101 there is no such file" in ended.out + ended.err
    assert command(name, "--routes").code == 2
    assert command(name, "a.yaml", "--routes", "b.yaml").code == 2
    assert command("validate", "--routes", "other.yaml").code == 0


COMPLETED = {
    "adapters show br": "braze",
    "adapters check --system hub": "hubspot",
    "run --profile li": "live",
    "dlq list --system sales": "salesforce",
    "functions phone_e": "phone_e164",
    "validate --explain SF31": "SF316",
    "schema pull hub": "hubspot",
    "schema pull hubspot con": "contacts",
    "test --filter mappings/sales": "mappings/salesforce_contact.yaml",
    "replay --route contacts/sales": "contacts/salesforce",
    "init --template web": "webhook",
    "docs on_lea": "on_leave",
    "dlq list --stage map": "mapping",
}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("typed", COMPLETED)
def test_names_are_completed(
    command: Command, project: Path, monkeypatch: pytest.MonkeyPatch, typed: str, shell: str
) -> None:
    words = ["syncflow", *typed.split()]
    monkeypatch.setenv("_SYNCFLOW_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("COMP_WORDS", " ".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", " ".join(words))
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    ended = command()
    assert COMPLETED[typed] in ended.out
    assert ended.err == ""


def test_routes_are_completed_also_of_another_file(
    command: Command, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "routes.yaml").rename(project / "other.yaml")
    monkeypatch.setenv("_SYNCFLOW_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "syncflow dlq list --routes other.yaml --route ")
    monkeypatch.setenv("COMP_CWORD", "6")
    assert "contacts/hubspot" in command().out or "contacts" in command().out


def test_the_codes_of_open_dead_letters_are_completed(
    command: Command, after_a_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_SYNCFLOW_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "syncflow dlq drop --code ")
    monkeypatch.setenv("COMP_CWORD", "4")
    assert command().out.split() == [
        row["code"] for row in json.loads(_without_completion(command, monkeypatch))["reasons"]
    ]


def _without_completion(command: Command, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("_SYNCFLOW_COMPLETE")
    return command("dlq", "list", "--reasons", "--output", "json").out


def test_a_broken_project_completes_nothing_and_says_nothing(
    command: Command, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "routes.yaml").write_text("systems: [", "utf-8")
    monkeypatch.setenv("_SYNCFLOW_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "syncflow run --route ")
    monkeypatch.setenv("COMP_CWORD", "3")
    ended = command()
    assert (ended.out.strip(), ended.err) == ("", "")


@pytest.mark.parametrize(
    ("arguments", "built"),
    [
        (["status"], {"status"}),
        (["--env-file", "x.env", "status", "--help"], {"status"}),
        (["--env-file=x.env", "dlq", "list", "--code", "show"], {"dlq list"}),
        (["dlq", "--help"], {"dlq list", "dlq show", "dlq redrive", "dlq drop", "dlq export"}),
    ],
    ids=["status", "status behind an option", "dlq list", "dlq"],
)
def test_a_command_given_by_its_name_is_built_alone(arguments: list[str], built: set[str]) -> None:
    made = command_line(arguments)
    grouped = {
        f"{g.name} {each.name}"
        for g in made.registered_groups
        for each in (g.typer_instance or made).registered_commands
    }
    assert {str(each.name) for each in made.registered_commands} | grouped == built


@pytest.mark.parametrize("arguments", [[], ["--help"], ["statu"], ["--bad", "status"], ["docs"]], ids=" ".join)
def test_all_commands_are_built_where_one_may_look_for_another(arguments: list[str]) -> None:
    made = command_line(arguments)
    assert {each.name for each in made.registered_commands} == set(COMMANDS)
    assert {each.name for each in made.registered_groups} == set(GROUPS)

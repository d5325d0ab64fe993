"""``syncflow adapters check``: an adapter by its name, by its file, by the system that uses it, or where it stands in a routes file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.adapters.test_written import FILES
from tests.cli.conftest import Command


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose only adapter stands in its routes file."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOOK_KEY", raising=False)
    return tmp_path / "routes.yaml"


@pytest.mark.parametrize("arguments", [("routes.yaml",), ("--system", "hook")], ids=["its file", "its system"])
def test_an_adapter_that_stands_in_the_routes_file_is_checked(
    arguments: tuple[str, ...], command: Command, hook: Path
) -> None:
    gone = "      outcomes: [{status: 404, operation: delete, then: already_done}]\n"
    hook.write_text(hook.read_text().replace("\nroutes:\n", f"\n{gone}routes:\n"))
    ended = command("adapters", "check", *arguments, "--output", "json")
    checks = json.loads(ended.out)["checks"]
    assert (ended.code, {check["adapter"] for check in checks}) == (0, {"hook"})
    assert "delete: no secret is told" in {check["law"] for check in checks}


def test_what_it_breaks_names_the_line_of_the_routes_file(command: Command, hook: Path) -> None:
    hook.write_text(
        hook.read_text().replace(
            "      operations:", "      outcomes: [{status: 5xx, then: delivered}]\n      operations:"
        )
    )
    ended = command("adapters", "check", "routes.yaml")
    assert ended.code == 1
    assert "broken  upsert: when the server answers 500, nothing is lost or made up\n" in ended.out
    assert "a record is delivered (delivered status 500 routes.yaml:12)" in ended.out


def test_a_shipped_adapter_is_checked_by_its_name_or_its_system(command: Command, project: Path) -> None:
    by_name = command("adapters", "check", "hubspot")
    assert by_name.code == 0
    assert command("adapters", "check", "--system", "hubspot").out == by_name.out


SLIPS = {
    "nothing": ((), 2, "name an adapter, its file, or with --system a system of the project"),
    "both": (("hubspot", "--system", "hubspot"), 2, "name an adapter"),
    "a system that is none": (
        ("--system", "sales"),
        1,
        "there is no system 'sales'; expected one of salesforce, hubspot",
    ),
    "a routes file without adapters": (("routes.yaml",), 1, "no adapter stands in routes.yaml"),
}


@pytest.mark.parametrize(("arguments", "code", "told"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_told(arguments: tuple[str, ...], code: int, told: str, command: Command, project: Path) -> None:
    ended = command("adapters", "check", *arguments)
    assert ended.code == code
    assert told in " ".join(ended.err.replace("│", " ").split())

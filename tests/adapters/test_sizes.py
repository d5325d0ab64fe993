"""The lines of each adapter and of the one engine stand in the docs, and are what is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adapters.md"
ENGINE = "the engine that executes them all (Python, `syncflow/adapters` and `syncflow/compiler/wire`)"

APIS = {"`salesforce`": 2, "`hubspot`": 2}
"""How many APIs an adapter speaks, where it is not one: Salesforce's Collections and its Bulk API are two, HubSpot's objects and its
associations too."""


def counted() -> dict[str, int]:
    """Return what there is, by the name that the page gives it."""
    adapters = sorted((ROOT / "syncflow" / "adapters").glob("*.yaml"))
    engine = [*(ROOT / "syncflow" / "adapters").glob("*.py"), *(ROOT / "syncflow" / "compiler" / "wire").glob("*.py")]
    return {**{f"`{path.stem}`": _lines(path) for path in adapters}, ENGINE: sum(map(_lines, engine))}


def _lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def told() -> dict[str, int]:
    section = PAGE.read_text("utf-8").partition("## How large they are")[2]
    rows = re.findall(r"^\| (.+) \| ([\d,]+) \|$", section, re.MULTILINE)
    return {name: int(number.replace(",", "")) for name, number in rows}


def test_the_page_tells_how_large_every_adapter_and_the_engine_are() -> None:
    """The engine's is rounded: it is told within a tenth."""
    said, there = told(), counted()
    assert said.keys() == there.keys()
    assert {name: said[name] for name in said if name != ENGINE} == {
        name: there[name] for name in there if name != ENGINE
    }
    assert abs(said[ENGINE] - there[ENGINE]) <= there[ENGINE] / 10


def test_an_api_costs_less_than_two_hundred_lines_and_no_python() -> None:
    lines = {name: number for name, number in counted().items() if name != ENGINE}
    assert {name: number for name, number in lines.items() if number >= 200 * APIS.get(name, 1)} == {}

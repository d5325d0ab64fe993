"""The frame of measurements: suites run at a tiny size, results and pages agree, nothing names a machine. No figure is asserted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench.__main__ import SUITES, main
from bench.figures import Figure, Size
from bench.machine import machine
from bench.pages import page, refreshed, shown
from bench.processes import PROJECT
from bench.results import DOCUMENT, FOLDER, PAGE, read
from syncflow.compiler.build import build
from syncflow.config.project import load_project

RESULTS = sorted(FOLDER.glob("*.json"))
MADE_UP = {
    "suite": "run",
    "title": "a title",
    "date": "2026-01-02",
    "size": "usual",
    "note": "",
    "machine": {"cpu": "a cpu", "cores": 2, "memory_gb": 8.0, "system": "Linux", "python": "3.11.7", "load": 0.1},
    "figures": [{"what": "speed", "value": 21000, "unit": "events/s", "at_least": 20000}],
}


def test_a_suite_runs_and_writes_its_figures(tmp_path: Path) -> None:
    assert main(["--tiny", "expressions", "--results", str(tmp_path)]) == 0
    written = json.loads((tmp_path / "expressions.json").read_text("utf-8"))
    assert written["figures"]
    assert (tmp_path / PAGE).read_text("utf-8") == page(read(tmp_path))


def test_a_suite_of_processes_runs(tmp_path: Path) -> None:
    assert main(["--tiny", "single", "--results", str(tmp_path)]) == 0
    figures = json.loads((tmp_path / "single.json").read_text("utf-8"))["figures"]
    assert all(figure["value"] > 0 for figure in figures)


def test_plans_of_what_a_run_left_are_measured(tmp_path: Path) -> None:
    assert main(["--tiny", "plan", "--results", str(tmp_path)]) == 0
    figures = json.loads((tmp_path / "plan.json").read_text("utf-8"))["figures"]
    assert [figure["unit"] for figure in figures[::2]] == ["s", "s"]


def test_an_unknown_suite_is_told_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["spede"])
    assert "there is no suite spede; there are " in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted(PROJECT.glob("*.yaml")), ids=lambda path: path.stem)
def test_what_is_measured_validates(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"EVENTS": "e.jsonl", "JOURNAL": "j.db", "LIMIT": "5/s", "LISTEN": "127.0.0.1:1"}.items():
        monkeypatch.setenv(f"BENCH_{name}", value)
    monkeypatch.setenv("BENCH_SINK", "http://127.0.0.1:1")
    build(load_project(path))


def test_pages_show_what_the_results_say() -> None:
    assert (FOLDER / PAGE).read_text("utf-8") == page(read())
    text = DOCUMENT.read_text("utf-8")
    assert text == refreshed(text, {result["suite"]: result for result in read()})


def test_every_suite_has_a_result_and_a_place_in_the_documentation() -> None:
    assert {path.stem for path in RESULTS} == set(SUITES)
    assert set(re.findall(r"<!-- results: (\w+) -->", DOCUMENT.read_text("utf-8"))) == set(SUITES)


def test_a_machine_is_described_and_not_named() -> None:
    assert set(machine()) == {"cpu", "cores", "memory_gb", "system", "load", "python", "sqlite", "packages"}


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_result_holds_no_path(path: Path) -> None:
    assert not re.search(r"/(home|Users|root|tmp|var|work)\b|[A-Z]:\\", path.read_text("utf-8"))


def test_what_stands_between_marks_is_drawn_anew() -> None:
    before = "Above.\n<!-- results: run -->\nold\n<!-- end -->\n<!-- results: idle -->\n<!-- end -->\nBelow.\n"
    assert refreshed(before, {"run": MADE_UP}) == (
        "Above.\n<!-- results: run -->\n"
        "| what | figure | bar |\n|---|---:|---:|\n| speed | 21,000 events/s | ≥ 20,000 ✓ |\n\n"
        "Measured 2026-01-02 on a cpu, 2 cores, 8.0 GB, Linux, Python 3.11.7; load before the suite 0.1.\n"
        "<!-- end -->\n<!-- results: idle -->\nNot measured yet.\n<!-- end -->\nBelow.\n"
    )


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 ms"), (1.234, "1.23 ms"), (98.76, "98.8 ms"), (12345.6, "12,346 ms"), (30, "30 ms")]
)
def test_a_figure_is_shown_with_what_counts_of_it(value: float, text: str) -> None:
    assert shown(Figure("x", value, "ms")) == text


def test_a_figure_is_held_against_its_bars() -> None:
    assert Figure("x", 1, "").reached is None
    assert Figure("x", 1, "", at_least=1, at_most=1).reached
    assert Figure("x", 1, "", at_least=2).reached is False
    assert Figure("x", 3, "", at_most=2).reached is False


def test_a_long_measurement_is_a_usual_one_where_it_is_not_told() -> None:
    assert [size.of(tiny=1, usual=2) for size in Size] == [1, 2, 2]

"""``syncflow test``: the examples that mappings and routes carry, run without sending anything."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any
from xml.etree import ElementTree

import typer

from syncflow.cli import completion
from syncflow.cli.console import DEFAULT_ROUTES, ProfileOption, RoutesArgument, remark, say, say_block, say_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from syncflow.testing.coverage import Coverage, Kind, Point
    from syncflow.testing.trials import Difference, Report, Result

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

LONG = 60
"""Characters from which on both sides of a difference get a line each."""

PLURALS: dict[Kind, str] = {"field": "fields", "entry": "entries of tables", "route": "routes"}


class Format(StrEnum):
    """How the results are shown."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


def run_all(
    routes: RoutesArgument = DEFAULT_ROUTES,
    named: Annotated[
        str,
        typer.Option(
            "--filter",
            "-k",
            metavar="TEXT",
            help="Run only tests with this text in their name or in the path of their file.",
            autocompletion=completion.files_of_tests,
        ),
    ] = "",
    min_coverage: Annotated[
        float, typer.Option(metavar="PERCENT", help="Fail if coverage is below this.", min=0, max=100)
    ] = 0,
    profile: ProfileOption = None,
    output: Annotated[Format, typer.Option("--output", "-o", help="Output format.")] = Format.TEXT,
) -> None:
    """Run the tests in mappings and routes.

    Sends nothing and needs no secrets. Time and generated ids are fixed.
    """
    if named and min_coverage:
        raise typer.BadParameter("coverage is of all tests; leave out --filter", param_hint="--min-coverage")
    report = _run(routes, profile, named)
    if output is Format.JSON:
        say_json(_as_json(report))
    elif output is Format.JUNIT:
        say_block(_as_junit(report))
    else:
        _show(report, coverage=not named)
    low = report.coverage.percent < min_coverage
    if low:
        remark(f"error: {report.coverage.percent:.1f} % is exercised, less than {min_coverage:g} % (--min-coverage)")
    if report.failed or low:
        raise typer.Exit(1)


def _run(routes: Path, profile: str | None, named: str) -> Report:
    from syncflow.config.project import load_project
    from syncflow.errors import DataError
    from syncflow.testing.trials import run_tests

    report = run_tests(load_project(routes, profile=profile, offline=True), named=named)
    if not report.results and named:
        raise DataError(
            f"there is no test whose name or file contains {named!r}", hint="without --filter all tests are run"
        )
    if not report.results:
        raise DataError("there is no test", hint="write some under `tests:` in a mapping or in routes.yaml")
    return report


def _show(report: Report, *, coverage: bool) -> None:
    for result in report.results:
        say(f"{'ok  ' if result.passed else 'FAIL'}  {_place(result)}  {result.name}")
        for difference in result.differences:
            for line in _lines(difference):
                say(f"      {line}")
    if coverage:
        say()
        _show_coverage(report.coverage)
    say()
    passed = len(report.results) - len(report.failed)
    say(f"{_count(len(report.results), 'test')}: {passed} passed, {len(report.failed)} failed")


def _place(result: Result) -> str:
    return f"{result.of}:{result.span.line}"


def _lines(difference: Difference) -> Iterator[str]:
    where = f"line {difference.span.line}" + (f": {difference.path}" if difference.path else "")
    if max(len(difference.expected), len(difference.found)) <= LONG:
        yield f"{where}: expected {difference.expected}, found {difference.found}"
        return
    yield where
    yield f"  expected {difference.expected}"
    yield f"  found    {difference.found}"


def _show_coverage(coverage: Coverage) -> None:
    counts = [(plural, *coverage.of(kind)) for kind, plural in PLURALS.items()]
    parts = [f"{done} of {count} {plural}" for plural, done, count in counts if count]
    say(f"exercised: {coverage.percent:.0f} %" + (f" ({', '.join(parts)})" if parts else ""))
    for file, points in _by_file(coverage.missed):
        say(f"  never in {file}: {', '.join(f'{point.name} (line {point.span.line})' for point in points)}")


def _by_file(points: Sequence[Point]) -> Iterator[tuple[str, list[Point]]]:
    for file in dict.fromkeys(point.span.file for point in points):
        yield file, [point for point in points if point.span.file == file]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _as_json(report: Report) -> dict[str, Any]:
    coverage = report.coverage
    return {
        "tests": [_result_json(result) for result in report.results],
        "passed": len(report.results) - len(report.failed),
        "failed": len(report.failed),
        "coverage": {
            "percent": round(coverage.percent, 1),
            "exercised": {kind: dict(zip(("done", "all"), coverage.of(kind), strict=True)) for kind in PLURALS},
            "missed": [
                {"kind": point.mark.kind, "name": point.name, "file": point.span.file, "line": point.span.line}
                for point in coverage.missed
            ],
        },
    }


def _result_json(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "file": result.of,
        "line": result.span.line,
        "passed": result.passed,
        "differences": [
            {"path": each.path, "expected": each.expected, "found": each.found, "line": each.span.line}
            for each in result.differences
        ],
    }


def _as_junit(report: Report) -> str:
    """Return what CI servers read: a suite for each file, a case for each test."""
    count, failed = len(report.results), len(report.failed)
    root = ElementTree.Element("testsuites", name="syncflow", tests=str(count), failures=str(failed))
    for file in dict.fromkeys(result.of for result in report.results):
        results = [result for result in report.results if result.of == file]
        failures = sum(not result.passed for result in results)
        suite = ElementTree.SubElement(
            root, "testsuite", name=file, tests=str(len(results)), failures=str(failures), errors="0", skipped="0"
        )
        for result in results:
            _add_case(suite, result)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def _add_case(suite: ElementTree.Element, result: Result) -> None:
    name, line = _NOT_IN_XML.sub("?", result.name), str(result.span.line)
    case = ElementTree.SubElement(suite, "testcase", name=name, classname=result.of, file=result.of, line=line)
    if result.differences:
        lines = [line for difference in result.differences for line in _lines(difference)]
        text = _NOT_IN_XML.sub("?", "\n".join(lines))
        failure = ElementTree.SubElement(case, "failure", message=text.splitlines()[0])
        failure.text = text

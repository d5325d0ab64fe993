"""Measure: `python -m bench [NAME ...]` runs suites one after the other, prints their figures, writes bench/results/.

A suite is a module of this folder, listed in SUITES, with a `TITLE` and `measure(size) -> list[Figure]`; it raises
`LeftOutError` where it cannot be measured.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from bench.figures import Figure, LeftOutError, Size
from bench.machine import machine
from bench.pages import bar, shown
from bench.results import FOLDER, record, write

SUITES = (
    "expressions",
    "transform",
    "validate",
    "plan",
    "run",
    "single",
    "bulk",
    "limit",
    "idle",
    "traces",
    "journal",
    "sql",
    "postgres",
    "kafka",
    "others",
)


def main(arguments: Sequence[str] | None = None) -> int:
    chosen = _parse(arguments)
    os.environ.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # a command that compiles its own modules at every start is not what users have
    for name in chosen.names or SUITES:
        _run(name, chosen.size, chosen.results)
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, and write what was measured.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which suites: {', '.join(SUITES)} (all of them)")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--long", dest="size", action="store_const", const=Size.LONG, help="with a million events, too")
    size.add_argument("--tiny", dest="size", action="store_const", const=Size.TINY, help="only to see that it works")
    parser.add_argument("--results", type=Path, default=FOLDER, metavar="FOLDER", help="where results go")
    parser.set_defaults(size=Size.USUAL)
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in SUITES]
    if unknown:
        parser.error(f"there is no suite {', '.join(unknown)}; there are {', '.join(SUITES)}")
    return chosen


def _run(name: str, size: Size, folder: Path) -> None:
    suite = import_module(f"bench.{name}")
    on = machine()
    print(f"{name}: {suite.TITLE}", flush=True)
    figures, note = _measured(suite.measure, size)
    for figure in figures:
        print(f"  {figure.what:<64} {shown(figure):>20}  {bar(figure)}")
    if note:
        print(f"  left out: {note}")
    write(record(name, suite.TITLE, figures, on=on, size=size.value, note=note), folder)


def _measured(measure: object, size: Size) -> tuple[list[Figure], str]:
    assert callable(measure)
    try:
        return list(measure(size)), ""
    except LeftOutError as left_out:
        return [], str(left_out)


if __name__ == "__main__":
    sys.exit(main())

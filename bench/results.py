"""Results as files: one JSON file a suite, and a page of tables drawn from all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure

FOLDER = Path(__file__).parent / "results"
PAGE = "README.md"


def record(
    name: str, title: str, figures: Sequence[Figure], *, on: dict[str, object], size: str, note: str = ""
) -> dict[str, Any]:
    """Make the result of a suite: what was measured, when, on which machine."""
    return {
        "suite": name,
        "title": title,
        "date": datetime.now(UTC).date().isoformat(),
        "size": size,
        "machine": on,
        "note": note,
        "figures": [_plain(figure) for figure in figures],
    }


def write(result: dict[str, Any], folder: Path = FOLDER) -> None:
    """Write the suite's file, and draw the page anew."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result['suite']}.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    (folder / PAGE).write_text(page(read(folder)), "utf-8")


def read(folder: Path = FOLDER) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]


def page(results: Sequence[dict[str, Any]]) -> str:
    """Draw all results as tables."""
    head = "# Results\n\nWritten by `make bench`; [what each suite measures](../README.md).\n"
    return head + "".join("\n" + "\n".join(_section(result)) + "\n" for result in results)


def shown(figure: Figure) -> str:
    """Give a figure as people read it: the number with its unit, and what it is held against."""
    return f"{amount(figure.value)} {figure.unit}".strip()


def bar(figure: Figure) -> str:
    if figure.at_least is not None:
        return f"≥ {amount(figure.at_least)}"
    return "" if figure.at_most is None else f"≤ {amount(figure.at_most)}"


def amount(value: float) -> str:
    """Write three figures that count, thousands apart."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}"


def _plain(figure: Figure) -> dict[str, Any]:
    return {key: value for key, value in asdict(figure).items() if value is not None}


def _section(result: dict[str, Any]) -> Iterator[str]:
    yield f"## {result['suite']}: {result['title']}\n"
    yield _measured(result) + "\n"
    if result["note"]:
        yield result["note"] + "\n"
    if result["figures"]:
        yield "| what | figure | bar |\n|---|---:|---:|"
        yield from (_row(Figure(**plain)) for plain in result["figures"])


def _row(figure: Figure) -> str:
    mark = {None: "", True: " ✓", False: " ✗"}[figure.reached]
    return f"| {figure.what} | {shown(figure)} | {bar(figure)}{mark} |"


def _measured(result: dict[str, Any]) -> str:
    on = result["machine"]
    return (
        f"{result['date']}, {on['cpu']}, {on['cores']} cores, {on['memory_gb']} GB, {on['system']}, "
        f"Python {on['python']}, load {on['load']} before the suite, size {result['size']}."
    )

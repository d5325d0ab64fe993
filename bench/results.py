"""Results as files: one JSON file a suite, and the pages that show them drawn anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure
from bench.pages import page, refreshed

FOLDER = Path(__file__).parent / "results"
PAGE = "README.md"
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


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
    """Write the suite's file, and draw the folder's page anew; those of the project also draw its documentation."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result['suite']}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", "utf-8")
    results = read(folder)
    (folder / PAGE).write_text(page(results), "utf-8")
    if folder == FOLDER:
        drawn = refreshed(DOCUMENT.read_text("utf-8"), {result["suite"]: result for result in results})
        DOCUMENT.write_text(drawn, "utf-8")


def read(folder: Path = FOLDER) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]


def _plain(figure: Figure) -> dict[str, Any]:
    rounded = asdict(figure) | {"value": float(f"{figure.value:.4g}")}
    return {key: value for key, value in rounded.items() if value is not None}

"""Pages that show results: tables drawn from the result files, between the marks of a page that people write.

<!-- results: NAME -->
… drawn …
<!-- end -->
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.figures import Figure

_MARKED = re.compile(r"(<!-- results: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(results: Sequence[dict[str, Any]]) -> str:
    """Draw all results as a page of their own."""
    head = "# Results\n\nWritten by `make bench`; [what each suite measures](../README.md).\n"
    return head + "".join(f"\n## {result['suite']}: {result['title']}\n\n{section(result)}" for result in results)


def refreshed(text: str, results: Mapping[str, dict[str, Any]]) -> str:
    """Return a page with what stands between its marks drawn anew."""

    def draw(found: re.Match[str]) -> str:
        result = results.get(found[2])
        drawn = section(result) if result else "Not measured yet.\n"
        return f"{found[1]}{drawn}{found[3]}"

    return _MARKED.sub(draw, text)


def section(result: dict[str, Any]) -> str:
    """Draw one suite's result."""
    return "\n".join(_lines(result)) + "\n"


def shown(figure: Figure) -> str:
    """Give a figure as people read it: the number with its unit."""
    return f"{amount(figure.value)} {figure.unit}".strip()


def bar(figure: Figure) -> str:
    """Give what a figure is held against."""
    if figure.at_least is not None:
        return f"≥ {amount(figure.at_least)}"
    return "" if figure.at_most is None else f"≤ {amount(figure.at_most)}"


def amount(value: float) -> str:
    """Write three figures that count, thousands apart."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}"


def _lines(result: dict[str, Any]) -> Iterator[str]:
    if result["note"]:
        yield f"Left out: {result['note']}\n"
    if result["figures"]:
        yield "| what | figure | bar |\n|---|---:|---:|"
        yield from (_row(Figure(**plain)) for plain in result["figures"])
        yield ""
    yield _measured(result)


def _row(figure: Figure) -> str:
    mark = {None: "", True: " ✓", False: " ✗"}[figure.reached]
    return f"| {figure.what} | {shown(figure)} | {bar(figure)}{mark} |"


def _measured(result: dict[str, Any]) -> str:
    on = result["machine"]
    size = "" if result["size"] == "usual" else f", size {result['size']}"
    return (
        f"Measured {result['date']} on {on['cpu']}, {on['cores']} cores, {on['memory_gb']} GB, {on['system']}, "
        f"Python {on['python']}; load before the suite {on['load']}{size}."
    )

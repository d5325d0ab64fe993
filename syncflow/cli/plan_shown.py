"""A plan in words: how its effects are called, the whole of it in a line, and what is there now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from syncflow.cli.console import counted
from syncflow.runtime.preview.shown import MARKS, ONLINE, Shown

if TYPE_CHECKING:
    from syncflow.runtime.preview.online import Seen
    from syncflow.runtime.preview.steps import Effect

WORDS: Mapping[Effect, str] = {
    "create": "create",
    "change": "change",
    "key_change": "change of key",
    "delete": "delete",
    "unknown": "unknown",
}


_TOLD: tuple[Effect, ...] = (*MARKS, "unchanged")


def summary(shown: Shown) -> str:
    """Return the whole plan in one line."""
    total = {effect: sum(route.counts.effects[effect] for route in shown.routes) for effect in _TOLD}
    said = [f"{total[effect]:,} {_to(effect)}" for effect in MARKS if total[effect]]
    if total["unchanged"]:
        said.append(f"{total['unchanged']:,} unchanged")
    if shown.dead_letters:
        said.append(counted(shown.dead_letters, "dead letter"))
    return ", ".join(said) or "nothing to do"


def _to(effect: str) -> str:
    return {
        "create": "to create",
        "change": "to change",
        "key_change": "to get another key",
        "delete": "to delete",
    }.get(effect, "that cannot be known")


def seen_lines(seen: Seen) -> Iterator[str]:
    """Yield what a person is told of what is there now."""
    parts = [f"{mark} {seen.found[found]:,} {word}" for mark, found, word in ONLINE if seen.found[found]]
    yield f"over there: {', '.join(parts) or 'nothing to do'}"
    if seen.fields:
        yield "fields there: " + ", ".join(f"{name} {count:,}" for name, count in seen.fields.most_common(12))
    if seen.drifted:
        yield f"{counted(seen.drifted, 'record')} changed or deleted there since delivered"
    for reason, count in seen.reasons.most_common(3):
        yield f"{counted(count, 'record')} unknown: {reason}"
    if seen.left_out:
        yield f"{counted(seen.left_out, 'record')} more were not read back"

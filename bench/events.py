"""Events of contacts, written a line at a time, so that a million take no memory here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import orjson

TYPES = ("lead", "prospect", "employee", "customer", "partner", "vendor")
_WHEN = "2024-01-15T10:30:00.123456"
_ALIVE = 5_000


def contact(number: int) -> dict[str, Any]:
    """Return the item of the contact with this number."""
    return {
        "id": f"A{number}",
        "name": f"Ada{number} Lovelace{number}",
        "email": f"Ada{number}@Example.com",
        "phone": f"+1-555-01{number % 100:02}" if number % 3 else None,
        "contact_type": TYPES[number % len(TYPES)],
        "created_at": _WHEN,
        "updated_at": _WHEN,
    }


def created(count: int) -> Iterator[dict[str, Any]]:
    """Create ``count`` contacts, each once."""
    return (_event("create", contact(number)) for number in range(count))


def changes(count: int) -> Iterator[dict[str, Any]]:
    """Update ``count`` contacts, each once; one in ten has another phone."""
    return (
        _event("update", contact(number) | ({} if number % 10 else {"phone": f"+1-555-9{number % 1000:03}"}))
        for number in range(count)
    )


def lives(count: int, *, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Create contacts (6 of 10 events), change them (3) and delete them (1); changes are of the latest few thousand."""
    random, alive = Random(seed), [0]
    yield _event("create", contact(0))
    for number in range(1, count):
        operation = random.choices(("create", "update", "delete"), (6, 3, 1))[0] if len(alive) > 1 else "create"
        place = random.randrange(len(alive))
        if operation == "create":
            chosen = number
            alive.append(number) if len(alive) < _ALIVE else alive.__setitem__(place, number)
        else:
            chosen = alive[place]
        if operation == "delete":
            alive[place] = alive[-1]
            alive.pop()
        yield _event(operation, contact(chosen) | {"phone": f"+1-555-{number % 10_000:04}"})


def write_events(path: Path, events: Iterator[dict[str, Any]]) -> None:
    with path.open("wb") as file:
        file.writelines(orjson.dumps(event) + b"\n" for event in events)


def _event(operation: str, item: dict[str, Any]) -> dict[str, Any]:
    return {"record": "contacts", "operation": operation, "timestamp": _WHEN, "item": item}

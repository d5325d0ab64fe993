"""The project that ships: what it validates, runs, for every event that fits its schema."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from syncflow.compiler.build import build
from syncflow.compiler.problems import check
from syncflow.compiler.program import Program
from syncflow.config.project import load_project
from syncflow.events import Accepted, Position, Raw

ROUTES = Path(__file__).parents[2] / "routes.yaml"


@lru_cache
def shipped() -> Program:
    return build(load_project(ROUTES, profile="mock", environment={}))


def test_the_shipped_project_has_no_diagnostics() -> None:
    assert check(load_project(ROUTES, profile="mock", environment={})) == []


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
TYPES = {"lead", "prospect", "employee", "customer", "partner", "vendor"}
CONTACTS = st.fixed_dictionaries(
    {
        "id": TEXT.map(lambda text: (text if text.strip() else f"A{text}")[:255]),
        "name": TEXT.map(lambda text: text[:200])
        | st.sampled_from(["ß" * 200, "İ" * 200, "\ufb03 " * 66, " ", "Cher"]),
        "contact_type": st.sampled_from(sorted(TYPES)),
    },
    optional={
        "email": st.sampled_from(
            [None, "ada@example.com", "A.B+c@X-Y.example.ORG", "a" * 64 + "@" + "b" * 11 + ".org"]
        ),
        "phone": st.none() | TEXT.map(lambda text: text[:40]),
        "created_at": st.sampled_from(["2024-01-15T10:30:00.123456", "2024-01-15T10:30:00Z"]),
        "other": st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    },
)


@settings(deadline=None)  # the first example compiles the project
@given(CONTACTS, st.sampled_from(["create", "update", "delete"]))
def test_every_contact_that_fits_the_schema_is_mapped_without_a_failure(item: dict[str, Any], operation: str) -> None:
    program = shipped()
    event = {"record": "contacts", "operation": operation, "timestamp": "2024-01-15T10:30:00", "item": item}
    accepted = program.check(Raw(Position("f", 1), orjson.dumps(event)))
    assert isinstance(accepted, Accepted), accepted
    routed = program.route(accepted)
    assert routed.failures == ()
    assert [match.key.value for match in routed.matches] == [item["id"].strip()]  # both drop blanks
    assert operation == "delete" or all(orjson.loads(orjson.dumps(match.payload)) for match in routed.matches)

"""Three databases alike: their server, a table in each, and a client that writes to it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from syncflow.adapters.gate import OpenGate
from syncflow.adapters.sql.client import DatabaseClient
from syncflow.compiler.wire.system import SystemPlan, plan_system
from syncflow.config.database_systems import database_adapter
from syncflow.config.diagnostics import Span
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.routes import SystemSettings
from syncflow.events import Action, Batch, BatchResult, Delivery, Json, Key, Outcome, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

_ids = count(1)


class Base(Protocol):
    """A database of its own for a test."""

    kind: str

    @property
    def url(self) -> str: ...

    def run(self, *statements: str) -> None: ...

    def ask(self, query: str) -> list[tuple[Any, ...]]: ...


class Sqlite:
    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = sqlite3.connect(path, isolation_level=None)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def run(self, *statements: str) -> None:
        for statement in statements:
            self._connection.execute(statement)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query).fetchall()

    def close(self) -> None:
        self._connection.close()


class _Document:
    """The adapter of a database, without a file."""

    def __init__(self, name: str, path: Path) -> None:
        self.path = path
        self.model: AdapterFile = database_adapter(name)

    def span(self, *_: object) -> Span:
        raise AssertionError("nothing is wrong with it")


def plan_of(url: str, **settings: Any) -> SystemPlan:
    """Return the plan of the system ``warehouse``; ``timezone`` and ``schema`` are those of its ``sql:``."""
    sql = {"url": url} | {name: settings.pop(name) for name in ("timezone", "schema") if name in settings}
    model = SystemSettings.model_validate({"adapter": "warehouse", "sql": sql, **settings})
    return plan_system("warehouse", model, _Document("warehouse", Path("routes.yaml")))


@contextmanager
def client_of(plan: SystemPlan) -> Iterator[DatabaseClient]:
    client = DatabaseClient(plan, gate=OpenGate())
    try:
        yield client
    finally:
        asyncio.run(client.close())


def delivery(
    key: str,
    payload: Mapping[str, Json] | None = None,
    *,
    action: Action = "upsert",
    key_name: str = "id",
    **traits: Any,
) -> Delivery:
    number = next(_ids)
    given = {key_name: key, **(payload or {})} if action != "delete" else {}
    return Delivery(
        id=number, event=number, route="r", system="warehouse", object=traits.pop("table", "contacts"), operation=action,
        record=Record("contacts", key), key=Key(key_name, key), payload=given, version=(0, number), read_at=0.0, **traits,
    )  # fmt: skip


def batch_of(*deliveries: Delivery) -> Batch:
    first = deliveries[0]
    return Batch(f"b{first.id}", "warehouse", first.object, first.operation, first.key.name, deliveries)


def send(client: DatabaseClient, *deliveries: Delivery) -> BatchResult:
    return asyncio.run(client.send(batch_of(*deliveries)))


def sent(url: str, *deliveries: Delivery, **settings: Any) -> BatchResult:
    """Send one batch by a client of its own."""
    with client_of(plan_of(url, **settings)) as client:
        return send(client, *deliveries)


def ends(result: BatchResult) -> list[str]:
    """Return how each delivery ended, in words: ``delivered``, ``rejected length`` …"""
    return [" ".join(filter(None, (outcome.verdict.value, outcome.code))) for outcome in result.outcomes]


def one(outcomes: tuple[Outcome, ...]) -> Outcome:
    (outcome,) = outcomes
    return outcome

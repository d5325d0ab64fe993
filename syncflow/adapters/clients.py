"""What speaks to a system, whatever it is: an API over HTTP, or a database. Who sends knows ``Client`` alone."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from syncflow.adapters.check import CheckResult
from syncflow.adapters.connections import Connections
from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import Gate
from syncflow.adapters.http import Transport
from syncflow.adapters.prepare import RenderedRequest
from syncflow.adapters.rotated_secrets import Renewed
from syncflow.clock import Clock
from syncflow.compiler.wire.system import SystemPlan
from syncflow.config.models.schema import ObjectField
from syncflow.events import Batch, BatchResult


class Client(Protocol):
    """Speaks to one system."""

    async def send(self, batch: Batch) -> BatchResult:
        """Carry out a batch and say what became of every delivery in it; never raises for what the other side does."""
        ...

    async def check(self) -> CheckResult:
        """Look whether the system lets us in. Changes nothing there."""
        ...

    async def describe(self, object_name: str) -> dict[str, ObjectField]:
        """Return the fields that an object has there, by name.

        Raises:
            DataError: there is no such object, or the adapter does not say how it is asked for.
            UnavailableError: the system does not answer, or refuses.
        """
        ...

    def render(self, batch: Batch, *, nothing_found: bool = False) -> list[RenderedRequest]:
        """Return what a batch would send if all goes well, secrets masked; nothing is sent.

        Raises:
            DataError: it cannot be made from these records.
        """
        ...

    def mask(self, text: str) -> str:
        """Return text with every secret of the system hidden."""
        ...

    async def close(self) -> None: ...


class Clients:
    """Opens what speaks to each system, and closes what they share."""

    def __init__(self, *, clock: Clock, renewed: Renewed | None = None, transport: Transport | None = None) -> None:
        self._connections = Connections(transport=transport)
        self._clock = clock
        self._renewed = renewed
        self._opened: list[Client] = []

    def of(self, plan: SystemPlan, gate: Gate) -> Client:
        """Return what speaks to a system; no connection is made yet.

        Raises:
            UnavailableError: its certificates cannot be used.
        """
        client: Client
        if plan.database is not None:
            from syncflow.adapters.sql.client import DatabaseClient  # noqa: PLC0415  # few need its large library

            client = DatabaseClient(plan, gate=gate)
        else:
            client = SystemClient(
                plan, http=self._connections.of(plan), gate=gate, clock=self._clock, renewed=self._renewed
            )
        self._opened.append(client)
        return client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection. A client may have been closed before."""
        for client in self._opened:
            await client.close()
        await self._connections.aclose()

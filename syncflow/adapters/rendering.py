"""Write the requests of a batch as a run would, with secrets masked, and send none."""

from __future__ import annotations

from dataclasses import replace

import httpx

from syncflow.adapters.clients import Client
from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import OpenGate
from syncflow.adapters.http import open_client
from syncflow.adapters.prepare import RenderedRequest
from syncflow.clock import SystemClock
from syncflow.compiler.wire.system import SystemPlan
from syncflow.errors import BugError, DataError
from syncflow.events import Batch


class _NoNetwork(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise BugError(f"a request to {request.url.host} was about to be sent where none may be")


def rendered(plan: SystemPlan, batch: Batch) -> list[RenderedRequest]:
    """Return the requests that ``batch`` would cause if all goes well.

    Raises:
        DataError: a request cannot be made from these records.
    """
    return _client(plan).render(batch)


def rendered_each(plan: SystemPlan, batch: Batch) -> tuple[list[RenderedRequest], dict[int, str]]:
    """Return the requests of a batch, both ways where they depend on a look-up, and why those of some deliveries cannot be made."""
    client = _client(plan)
    try:
        return _both_ways(client, batch), {}
    except DataError as error:
        if len(batch.deliveries) == 1:
            return [], {batch.deliveries[0].id: client.mask(error.message)}
    requests: list[RenderedRequest] = []
    faults: dict[int, str] = {}
    for delivery in batch.deliveries:
        made, fault = rendered_each(plan, replace(batch, deliveries=(delivery,)))
        requests += made
        faults |= fault
    return requests, faults


def _client(plan: SystemPlan) -> Client:
    if plan.database is not None:
        from syncflow.adapters.sql.client import DatabaseClient  # noqa: PLC0415  # few need its large library

        return DatabaseClient(plan, gate=OpenGate())
    return SystemClient(plan, http=open_client(transport=_NoNetwork()), gate=OpenGate(), clock=SystemClock())


def _both_ways(client: Client, batch: Batch) -> list[RenderedRequest]:
    found, not_found = client.render(batch), client.render(batch, nothing_found=True)
    return [
        *(
            request if request in not_found else replace(request, condition="if the record is found there")
            for request in found
        ),
        *(replace(request, condition="if it is not found there") for request in not_found if request not in found),
    ]

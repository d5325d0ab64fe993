"""Write the requests of a batch as a run would, with secrets masked, and send none."""

from __future__ import annotations

import httpx

from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import OpenGate
from syncflow.adapters.http import open_client
from syncflow.adapters.prepare import RenderedRequest
from syncflow.clock import SystemClock
from syncflow.compiler.requests import SystemPlan
from syncflow.errors import BugError
from syncflow.events import Batch


class _NoNetwork(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise BugError(f"a request to {request.url.host} was about to be sent where none may be")


def rendered(plan: SystemPlan, batch: Batch) -> list[RenderedRequest]:
    """Return the requests that ``batch`` would cause if all goes well.

    Raises:
        DataError: a request cannot be made from these records.
    """
    http = open_client(transport=_NoNetwork())
    return SystemClient(plan, http=http, gate=OpenGate(), clock=SystemClock()).render(batch)

"""A person signs in for a system of a project: the page is shown, and what comes back is kept beside the journal.

In: a loaded project with its credentials, the name of a system, an address of this machine. Out: nothing but what is kept; no secret is
told to anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from syncflow.adapters.clients import Clients
from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import OpenGate
from syncflow.adapters.http import Transport
from syncflow.adapters.redirect import listening, redirect_parts
from syncflow.clock import SystemClock
from syncflow.compiler.wire.system import plan_system
from syncflow.config.diagnostics import did_you_mean
from syncflow.config.project import Project
from syncflow.errors import DataError, UnavailableError
from syncflow.runtime.assembly import project_renewed


async def sign_in(
    project: Project,
    system: str,
    *,
    redirect: str,
    seconds: float,
    show: Callable[[str], None],
    transport: Transport | None = None,
) -> None:
    """Let a person sign in; ``show`` is given the page to open. Waits so many ``seconds`` for the browser to come back.

    Raises:
        DataError: there is no such system, nobody has to sign in there, or the sign-in was refused.
        ProjectError: the system cannot be used.
        UnavailableError: it does not answer, nobody came back in time, or what it gave cannot be kept.
    """
    systems = project.routes.model.systems
    if system not in systems:
        close = did_you_mean(system, systems)
        raise DataError(f"there is no system {system!r}", hint=f"did you mean {close!r}?" if close else "")
    settings = systems[system]
    redirect_parts(redirect)
    plan = plan_system(system, settings, project.adapters[settings.adapter], routes=project.routes)
    async with Clients(clock=SystemClock(), renewed=project_renewed(project), transport=transport) as clients:
        client = clients.of(plan, OpenGate())
        if not isinstance(client, SystemClient):
            raise DataError(f"no person has to sign in to {system}: it is a database")
        consent = client.consent(redirect)
        async with listening(redirect, consent.state) as came:
            show(consent.page())
            try:
                found = await asyncio.wait_for(asyncio.shield(came), seconds)
            except TimeoutError:
                raise UnavailableError(f"the sign-in in the browser was not finished within {seconds:g} s") from None
        if found.error:
            raise DataError(f"the sign-in was refused: {_word(found.error)}")
        await consent.finish(found.code)


def _word(error: str) -> str:
    """Return an error code of RFC 6749, 4.1.2.1 as it is, and of anything else that it is none."""
    return error if error.isascii() and error.replace("_", "").isalnum() and len(error) <= 64 else "without a reason"

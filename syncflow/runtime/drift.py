"""Read from a system what its objects are: to write it down, or to compare it with what the project's files say.

In: a loaded project with its credentials. Out: fields, or a diagnostic for each difference that a mapping would run into.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from syncflow.adapters.clients import Clients
from syncflow.adapters.gate import OpenGate
from syncflow.adapters.http import Transport
from syncflow.clock import SystemClock
from syncflow.compiler.wire.system import plan_system
from syncflow.config.diagnostics import Diagnostic, did_you_mean
from syncflow.config.documents import Document, MergedObject
from syncflow.config.models.mapping import MappingFile
from syncflow.config.models.schema import ObjectField
from syncflow.config.project import Project
from syncflow.errors import DataError
from syncflow.runtime.assembly import project_renewed

Fields = Mapping[str, ObjectField]


async def pull_fields(
    project: Project, system: str, object_name: str, *, transport: Transport | None = None
) -> dict[str, ObjectField]:
    """Return the fields that an object has in a system, by name.

    Raises:
        DataError: there is no such system, its adapter does not say how fields are read, or the answer is not as it says.
        ProjectError: the system cannot be used.
        UnavailableError: it does not answer, or refuses.
    """
    systems = project.routes.model.systems
    if system not in systems:
        close = did_you_mean(system, systems)
        raise DataError(f"there is no system {system!r}", hint=f"did you mean {close!r}?" if close else "")
    settings = systems[system]
    plan = plan_system(system, settings, project.adapters[settings.adapter], routes=project.routes)
    async with Clients(clock=SystemClock(), renewed=project_renewed(project), transport=transport) as clients:
        return await clients.of(plan, OpenGate()).describe(object_name)


async def find_drift(project: Project, *, transport: Transport | None = None) -> list[Diagnostic]:
    """Return where a system has become another than the project's files say, as far as its mappings would notice.

    Systems whose adapter does not say how fields are read are left out. Raises what ``pull_fields`` raises.
    """
    wanted = {
        (system, mapping.model.target.partition("/")[2]): mapping
        for system, settings in project.routes.model.systems.items()
        for mapping in project.mappings.values()
        if mapping.model.target.partition("/")[0] == settings.adapter
        and project.adapters[settings.adapter].model.describes
    }
    pulled = await asyncio.gather(*(pull_fields(project, *place, transport=transport) for place in wanted))
    return [
        found
        for ((system, object_name), mapping), theirs in zip(wanted.items(), pulled, strict=True)
        for found in _differences(project, system, object_name, mapping, theirs)
    ]


def _differences(
    project: Project, system: str, object_name: str, mapping: Document[MappingFile], theirs: Fields
) -> Iterator[Diagnostic]:
    adapter = project.routes.model.systems[system].adapter
    known: MergedObject = project.objects[adapter, object_name]
    hint = f"`syncflow schema pull {system} {object_name}` writes down what is there now"
    for name in mapping.model.fields:
        if name not in theirs:
            close = did_you_mean(name, theirs)
            message = f"{system} has no field {name} in {object_name}"
            yield mapping.report("SF620", message, "fields", name, at_key=True, hint=hint, suggestion=close)
            continue
        for difference in _changes(known.model.fields.get(name), theirs[name]):
            message = f"{system} has another {name} than the project's files say: {difference}"
            yield mapping.report("SF620", message, "fields", name, at_key=True, hint=hint, severity="warning")
    for name, field in theirs.items():
        if field.required and not field.read_only and name not in mapping.model.fields:
            message = f"{system} wants the field {name} in {object_name}, which the mapping does not fill"
            yield mapping.report("SF620", message, "fields", at_key=True, hint=hint)


def _changes(known: ObjectField | None, now: ObjectField) -> Iterator[str]:
    """Yield what would make a payload that was fine be refused."""
    if known is None:
        return
    if known.type != now.type:
        yield f"type {now.type}, not {known.type}"
    if now.length is not None and (known.length is None or known.length > now.length):
        yield f"at most {now.length} characters"
    if now.read_only and not known.read_only:
        yield "it is read-only"
    gone = sorted(set(known.options or ()) - set(now.options or known.options or ()))
    if gone:
        yield f"no option {', '.join(gone)}"

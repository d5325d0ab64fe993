"""``syncflow dry-run``: which routes sample events would take and why, and the requests they would cause. Sends nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from syncflow.cli.console import (
    DEFAULT_ROUTES,
    Output,
    OutputOption,
    ProfileOption,
    RoutesArgument,
    counted,
    say,
    say_block,
    say_json,
)
from syncflow.cli.samples import read_samples

if TYPE_CHECKING:
    from syncflow.adapters.prepare import RenderedRequest
    from syncflow.compiler.program import Program
    from syncflow.runtime.preview.samples import Rehearsal, RehearsedEvent

_Unread: TypeAlias = "dict[str, list[dict[str, Any]]]"

_OF_A_FILE = 100
_OF_THE_SOURCE = 10


def dry_run(
    routes: RoutesArgument = DEFAULT_ROUTES,
    events: Annotated[
        Path | None,
        typer.Option(
            "--events",
            "--event",
            "-e",
            metavar="FILE",
            help="Events as JSON lines, a JSON document or CSV; - reads standard input. Default: the first events of the source.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(help="Stop after N events. Default: 100 from --events, 10 from the source.", metavar="N", min=1),
    ] = None,
    profile: ProfileOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show what sample events would send, without sending it.

    Shows matching routes, payloads and exact requests, with secrets masked.
    """
    from syncflow.clock import SystemClock
    from syncflow.compiler.build import build
    from syncflow.config.project import load_project
    from syncflow.runtime.preview.samples import rehearse

    project = load_project(routes, profile=profile, offline=True)
    program = build(project)
    samples = read_samples(project, events, most=limit or (_OF_A_FILE if events else _OF_THE_SOURCE))
    rehearsal = rehearse(program, samples, now=SystemClock().now())
    requests, unmade = _render(program, rehearsal)
    unread = [_unread(program, event) for event in rehearsal.events]
    if output is Output.JSON:
        events_json = [_event_json(event, found) for event, found in zip(rehearsal.events, unread, strict=True)]
        say_json({"events": events_json, "requests": requests, "cannot_be_sent": unmade})
    else:
        _show(rehearsal, requests, unmade, unread)
    if rehearsal.dead or unmade:
        raise typer.Exit(1)


def _render(program: Program, rehearsal: Rehearsal) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Let the systems' own clients write the requests, and send none; return them, and the deliveries whose request cannot be made."""
    from syncflow.adapters.rendering import rendered_each

    requests: list[dict[str, Any]] = []
    unmade: list[dict[str, Any]] = []
    for batch in rehearsal.batches:
        made, faults = rendered_each(program.systems[batch.system], batch)
        requests += [
            {"system": batch.system, "deliveries": list(request.deliveries), **_request_json(request)}
            for request in made
        ]
        unmade += [
            {"system": batch.system, "delivery": delivery, "reason": reason} for delivery, reason in faults.items()
        ]
    return requests, unmade


def _request_json(request: RenderedRequest) -> dict[str, Any]:
    return {
        "step": request.step,
        "if": request.condition or None,
        "method": request.method,
        "url": request.url,
        "headers": request.headers,
        "body": _readable(request.body),
    }


def _readable(body: str) -> Any:
    """A JSON body as JSON, any other as text; None where there is none."""
    try:
        return json.loads(body)
    except ValueError:
        return body or None


def _event_json(rehearsed: RehearsedEvent, unread: _Unread) -> dict[str, Any]:
    event = rehearsed.event
    left_out = {match.route: match.left_out for match in _matches(rehearsed)}
    return {
        "line": event.raw.position.line,
        "record": event.record.id if event.record else None,
        "kind": event.record.kind if event.record else None,
        "operation": event.change or None,
        "becomes": event.state,
        "note": event.note,
        "routes": [{"route": match.route, "because": match.because} for match in _matches(rehearsed)],
        "deliveries": [
            {
                "id": each.id,
                "route": each.route,
                "system": each.system,
                "object": each.object,
                "operation": each.operation,
                "key": {"name": each.key.name, "value": each.key.value},
                "payload": each.payload,
                "unreadable": unread.get(each.route, []),
                "left_out": list(left_out.get(each.route, ())),
            }
            for each in rehearsed.deliveries
        ],
        "dead_letters": [
            {"stage": letter.stage, "code": letter.code, "reason": letter.reason, "route": letter.route}
            for letter in rehearsed.dead_letters
        ],
    }


def _matches(rehearsed: RehearsedEvent) -> Iterable[Any]:
    from syncflow.events import Routed

    return rehearsed.fate.matches if isinstance(rehearsed.fate, Routed) else ()


def _unread(program: Program, rehearsed: RehearsedEvent) -> _Unread:
    """Return the values that a mapping could not read, by route: the field, the value, why, and what becomes of the field."""
    from syncflow.events import Routed

    fate = rehearsed.fate
    if not isinstance(fate, Routed):
        return {}
    return {
        match.route: [
            {"field": name, "function": each.function, "value": each.value, "reason": each.why, "becomes": becomes}
            for name, found in program.unread[match.route].met(fate.accepted.event.root).items()
            for becomes in [_becomes(match.payload, name)]
            for each in found
        ]
        for match in fate.matches
        if match.unreadable
    }


def _becomes(payload: Mapping[str, Any], name: str) -> str:
    """Say what is sent for a field that met a value which cannot be read."""
    if name not in payload:
        return "left out"
    return "sent as null" if payload[name] is None else "another value is sent"


def _show(
    rehearsal: Rehearsal, requests: list[dict[str, Any]], unmade: list[dict[str, Any]], unread: list[_Unread]
) -> None:
    for event, found in zip(rehearsal.events, unread, strict=True):
        _show_event(event, rehearsal.superseded, found)
    for number, request in enumerate(requests, 1):
        say()
        members = ", ".join(str(delivery) for delivery in request["deliveries"])
        say(f"request {number} to {request['system']}, for delivery {members}{_step(request)}")
        say(f"  {request['method']} {request['url']}")
        for name, value in request["headers"].items():
            say(f"  {name}: {value}")
        if request["body"] is not None:
            say_block(_indented(request["body"]))
    for fault in unmade:
        say()
        say(f"dead letter of delivery {fault['delivery']} to {fault['system']}: delivery: {fault['reason']}")
    say()
    counts = (
        counted(len(rehearsal.events), "event"),
        counted(len(requests), "request"),
        counted(rehearsal.dead + len(unmade), "dead letter"),
    )
    say(f"{', '.join(counts)}; nothing was sent")


def _step(request: dict[str, Any]) -> str:
    named = f" ({request['step']})" if request["step"] else ""
    return f"{named}, {request['if']}" if request["if"] else named


def _show_event(rehearsed: RehearsedEvent, superseded: dict[int, int], unread: _Unread) -> None:
    event = rehearsed.event
    record = f"{event.record.kind} {event.record.id}: {event.change}" if event.record else "an event"
    line = event.raw.position.line
    place, note = f"line {line}" if line else f"event {event.seq}", f" ({event.note})" if event.note else ""
    if event.raw.meta and "object" in event.raw.meta:
        place = f"{event.raw.meta['object']} {place}"
    say(f"{place}  {record.removesuffix(': ')}  → {event.state}{note}")
    because = {match.route: match.because for match in _matches(rehearsed)}
    left_out = {match.route: match.left_out for match in _matches(rehearsed)}
    for each in rehearsed.deliveries:
        reason = because.get(each.route) or ("the record is there" if each.operation == "delete" else "")
        by = f", superseded by delivery {superseded[each.id]}" if each.id in superseded else ""
        say(
            f"  delivery {each.id}: {each.operation} {each.object} in {each.system}, {each.key.name} = {each.key.value}{by}"
        )
        if reason:
            say(f"    because {reason}")
        if each.payload:
            say_block(_indented(each.payload, depth=4))
        if names := left_out.get(each.route):
            say(f"    left out, unchanged: {', '.join(names)}")
        for missed in unread.get(each.route, []):
            value = json.dumps(missed["value"], ensure_ascii=False)
            say(f"    unreadable: {missed['field']}: {missed['reason']}: {value}; {missed['becomes']}")
    for letter in rehearsed.dead_letters:
        route = f" on {letter.route}" if letter.route else ""
        say(f"  dead letter{route}: {letter.stage}: {letter.reason} ({letter.code})")


def _indented(value: Any, *, depth: int = 2) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return "\n".join(" " * depth + line for line in text.split("\n"))

"""``syncflow explain``: why an event goes where it goes, and where each value of a payload comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from syncflow.cli.console import (
    DEFAULT_ROUTES,
    Output,
    OutputOption,
    ProfileOption,
    RoutesArgument,
    say,
    say_block,
    say_json,
)
from syncflow.cli.samples import read_samples

if TYPE_CHECKING:
    from syncflow.compiler.explanations import LegStory, RouteStory, Rule, Story
    from syncflow.compiler.origins import Evaluation, Origin
    from syncflow.compiler.program import Program
    from syncflow.config.project import Project
    from syncflow.events import Delivery, Key, Raw
    from syncflow.runtime.journal.base import Presence
    from syncflow.runtime.preview.next_event import Foresight

WIDE = 80
"""Characters of a value that are shown in a line of text; JSON shows all."""


class Explained(NamedTuple):
    """One event: why, and what would come of it now."""

    story: Story
    foresight: Foresight


def explain(
    routes: RoutesArgument = DEFAULT_ROUTES,
    event: Annotated[
        Path | None,
        typer.Option(
            "--event",
            "--events",
            "-e",
            metavar="FILE",
            help="Events as JSON lines, a JSON document or CSV; - reads standard input. Default: the first events of the source.",
        ),
    ] = None,
    code: Annotated[
        bool, typer.Option("--code", help="Print the Python code that routes and mappings are compiled to.")
    ] = False,
    limit: Annotated[int, typer.Option(help="Stop after N events.", metavar="N", min=1)] = 10,
    mask: Annotated[bool, typer.Option("--mask", help="Hide values that the schema marks as personal.")] = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Explain each event: matched rules and routes, with values.

    Also shows where each field comes from and what would be sent. Sends nothing. Exits with 1 if an event would be a dead letter.
    """
    from syncflow.compiler.build import build
    from syncflow.config.project import load_project

    project = load_project(routes, profile=profile, offline=True)
    program = build(project)
    if code:
        _show_code(project, output)
        return
    samples = read_samples(project, event, most=limit)
    found = [_explained(project, program, raw, mask=mask) for raw in samples]
    if output is Output.JSON:
        say_json({"events": [_as_json(each) for each in found]})
    else:
        for number, each in enumerate(found):
            if number:
                say()
            _show(each)
    if any(each.foresight.outcome.dead_letters for each in found):
        raise typer.Exit(1)


def _show_code(project: Project, output: Output) -> None:
    from syncflow.compiler.build import choices, transform_of

    router = choices(project).source
    sources = {document.name: transform_of(project, document.model).source for document in project.mappings.values()}
    if output is Output.JSON:
        say_json({"router": router, "mappings": sources})
        return
    say(f"# {project.routes.name}")
    say_block(router)
    for name, source in sources.items():
        say(f"# {name}")
        say_block(source)


def _explained(project: Project, program: Program, raw: Raw, *, mask: bool) -> Explained:
    from syncflow.clock import SystemClock
    from syncflow.compiler.explanations import Narrator
    from syncflow.compiler.functions.ambient import Ambient, surrounded_by
    from syncflow.config.journal_place import place_of
    from syncflow.runtime.preview.next_event import earlier_events, foresee

    now = SystemClock().now()
    journal = place_of(project.routes.model.journal, project.path)
    with surrounded_by(Ambient(now=lambda: now)):
        story = Narrator(project, program).explain(
            raw, earlier=lambda record: (event for _, event in earlier_events(journal, record))
        )
        found = Explained(story, foresee(program, raw, story.fate, journal=journal, now=now))
    return _masked(project, found) if mask else found


def _masked(project: Project, found: Explained) -> Explained:
    from syncflow.compiler.functions.own import library_of
    from syncflow.compiler.masking import Mask
    from syncflow.compiler.routing.legs import written_routes
    from syncflow.runtime.preview.next_event import masked

    root = found.story.root
    schema = project.schemas.get(str(root["record"])) if root else None
    mask = Mask(schema.model if schema else None, root, functions=library_of(project))
    personal = {
        name: mask.fields(route.mappings[system].model)
        for route in written_routes(project)
        for system, name in route.legs.items()
    }
    return Explained(mask.story(found.story), masked(found.foresight, mask, personal))


def _show(found: Explained) -> None:
    story, outcome = found.story, found.foresight.outcome
    event = outcome.event
    record = f"{event.record.kind} {event.record.id}: {event.change}".removesuffix(": ") if event.record else "an event"
    line = story.raw.position.line
    say(f"{f'line {line}  ' if line else ''}{record}  → {event.state}{f' ({event.note})' if event.note else ''}")
    for name, value in (story.root or {}).items():
        say(f"  {name:<10} {_short(value)}")
    _show_rules(story)
    _show_schema(story)
    for route in story.routes:
        _show_route(route)
    _show_foresight(found.foresight)


def _show_rules(story: Story) -> None:
    for rule in story.ignore:
        say(f"  ignore {rule.evaluation.text}: {_verdict(rule)}{_readings(rule.evaluation)}")


def _verdict(rule: Rule) -> str:
    return f"fails: {rule.evaluation.error}" if rule.evaluation.error else "yes" if rule.holds else "no"


def _show_schema(story: Story) -> None:
    for misfit in story.misfits:
        say(f"  schema: item.{misfit.path} {misfit.message} ({misfit.code})")
    if story.routes and not story.misfits and story.root and story.root["operation"] != "delete":
        say("  schema: the item fits")


def _show_route(route: RouteStory) -> None:
    say(f"  route {route.name} (line {route.line}): {route.verdict}")
    if route.when is not None:
        say(f"    when {route.when.evaluation.text}: {_verdict(route.when)}{_readings(route.when.evaluation)}")
    if route.by is not None:
        say(f"    by {route.by.text} = {_short(route.by.value)}{_readings(route.by)}")
    for leg in route.legs:
        _show_leg(leg)


def _show_leg(leg: LegStory) -> None:
    say(f"    → {leg.name}, by {leg.mapping}: {_match(leg)}")
    width = max((len(origin.field) for origin in leg.fields), default=0)
    sent = leg.match.payload if leg.match is not None else {}
    for origin in leg.fields:
        say(f"        {origin.field:<{width}}  {_value(origin, sent)}  ← {_source(origin)}")


def _match(leg: LegStory) -> str:
    match = leg.match
    if match is None:
        return f"fails: {leg.failure}"
    if match.operation is None:
        return "nothing, the route ignores this operation"
    left_out = f"; left out, unchanged: {', '.join(match.left_out)}" if match.left_out else ""
    return f"{match.operation} {match.object}, {_key(match.key)}, because {match.because}{left_out}"


def _key(key: Key) -> str:
    return f"{key.name} = {key.value or '(none)'}"


def _value(origin: Origin, sent: dict[str, Any]) -> str:
    """The value as the mapping makes it, and as it is sent where that is another."""
    if origin.how == "fails":
        return "(fails)"
    made = _short(origin.value)
    if origin.field in sent and sent[origin.field] != origin.value:
        return f"{made}, sent as {_short(sent[origin.field])}"
    return made if origin.field in sent or not sent else f"{made}, left out"


def _source(origin: Origin) -> str:
    found = origin.evaluation
    if found is None:
        return "constant"
    told = {
        "table": f", in the table as {origin.entry}",
        "default": ", by default",
        "fails": f", fails: {found.error}",
    }.get(origin.how, "")
    unreadable = "".join(f"; unreadable: {why}" for why in found.unreadable)
    return f"{found.text}{told}{_readings(found)}{unreadable}"


def _readings(found: Evaluation) -> str:
    """What an expression read; nothing where it is a path itself, whose value is shown already."""
    shown = [
        f"{reading.path} = {_short(reading.value)}" if reading.there else f"{reading.path} is absent"
        for reading in found.readings
        if reading.path != found.text or not reading.there
    ]
    return f"  [{', '.join(shown)}]" if shown else ""


def _show_foresight(foresight: Foresight) -> None:
    for row in foresight.presence or ():
        say(f"  journal: {_presence(row)}")
    known = foresight.outcome.event.record is not None
    if known and foresight.presence is None:
        say("  journal: there is none yet, so nothing is known to be anywhere")
    elif known and not foresight.presence:
        say("  journal: the record is not known to be anywhere")
    for each in foresight.outcome.deliveries:
        overtaken = ", which something newer has overtaken" if each.id in foresight.superseded else ""
        if each.id in foresight.unchanged:
            say(
                f"  would send nothing: {_delivery(each)}, where every field is as it was last delivered (send: changed)"
            )
        else:
            after = ", ".join(f"{kind} {number}" for kind, number in each.after)
            waits = f", once {after} {'is' if len(each.after) == 1 else 'are'} there (after)" if after else ""
            say(f"  would send: {_delivery(each)}{overtaken}{_left_out(foresight.left_out.get(each.id))}{waits}")
    for route in foresight.kept:
        say(f"  would leave it where {route} put it (on_leave: keep)")
    for letter in foresight.outcome.dead_letters:
        about = f" on {letter.route}" if letter.route else ""
        say(f"  dead letter{about}: {letter.stage}: {letter.reason} ({letter.code})")


def _left_out(names: frozenset[str] | None) -> str:
    return f", without {', '.join(sorted(names))}, as last delivered (send: changed)" if names else ""


def _presence(row: Presence) -> str:
    there = f" as {row.vendor_id}" if row.vendor_id else ""
    place = f"{row.state} in {row.system}/{row.object}{there}, {_key(row.key)}"
    return f"{place} (by {row.route})" if row.route else f"{row.state} before it was sent anywhere"


def _delivery(delivery: Delivery) -> str:
    there = f" (there as {delivery.vendor_id})" if delivery.vendor_id else ""
    return f"{delivery.operation} {delivery.object} in {delivery.system}, {_key(delivery.key)}{there}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDE else f"{text[: WIDE - 1]}…"


def _as_json(found: Explained) -> dict[str, Any]:
    story, foresight = found.story, found.foresight
    event = foresight.outcome.event
    return {
        "line": story.raw.position.line,
        "record": {"kind": event.record.kind, "id": event.record.id} if event.record else None,
        "becomes": event.state,
        "note": event.note,
        "event": story.root,
        "ignore": [_rule_json(rule) for rule in story.ignore],
        "schema": [misfit._asdict() for misfit in story.misfits],
        "routes": [_route_json(route) for route in story.routes],
        "journal": None if foresight.presence is None else [_presence_json(row) for row in foresight.presence],
        "would_send": [_delivery_json(each, foresight) for each in foresight.outcome.deliveries],
        "would_keep": list(foresight.kept),
        "dead_letters": [
            {"stage": letter.stage, "code": letter.code, "reason": letter.reason, "route": letter.route}
            for letter in foresight.outcome.dead_letters
        ],
    }


def _evaluation_json(found: Evaluation) -> dict[str, Any]:
    return {
        "expression": found.text,
        "value": found.value,
        "error": found.error,
        "read": [{"path": each.path, "value": each.value, "there": each.there} for each in found.readings],
    }


def _rule_json(rule: Rule) -> dict[str, Any]:
    return {**_evaluation_json(rule.evaluation), "holds": rule.holds}


def _route_json(route: RouteStory) -> dict[str, Any]:
    return {
        "route": route.name,
        "line": route.line,
        "when": _rule_json(route.when) if route.when else None,
        "by": _evaluation_json(route.by) if route.by else None,
        "verdict": route.verdict,
        "to": [_leg_json(leg) for leg in route.legs],
    }


def _leg_json(leg: LegStory) -> dict[str, Any]:
    match = leg.match
    return {
        "route": leg.name,
        "system": leg.system,
        "mapping": leg.mapping,
        "operation": match.operation if match else None,
        "object": match.object if match else None,
        "key": match.key._asdict() if match else None,
        "because": match.because if match else None,
        "failure": leg.failure,
        "payload": match.payload if match else None,
        "left_out": list(match.left_out) if match else [],
        "fields": [_origin_json(origin) for origin in leg.fields],
    }


def _origin_json(origin: Origin) -> dict[str, Any]:
    found = {} if origin.evaluation is None else _evaluation_json(origin.evaluation)
    return {
        "field": origin.field,
        "how": origin.how,
        "value": origin.value,
        "entry": origin.entry,
        "unreadable": [] if origin.evaluation is None else list(origin.evaluation.unreadable),
        "from": found or None,
    }


def _presence_json(row: Presence) -> dict[str, Any]:
    return {
        "route": row.route,
        "system": row.system,
        "object": row.object,
        "key": row.key._asdict(),
        "vendor_id": row.vendor_id,
        "state": row.state,
    }


def _delivery_json(delivery: Delivery, foresight: Foresight) -> dict[str, Any]:
    return {
        "route": delivery.route,
        "system": delivery.system,
        "object": delivery.object,
        "operation": delivery.operation,
        "key": delivery.key._asdict(),
        "vendor_id": delivery.vendor_id,
        "payload": delivery.payload,
        "overtaken": delivery.id in foresight.superseded,
        "unchanged": delivery.id in foresight.unchanged,
        "left_out": sorted(foresight.left_out.get(delivery.id, ())),
    }

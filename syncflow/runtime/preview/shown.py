"""A plan as people and programs are shown it: counts of each route, and its first changes, without values unless they are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from syncflow.compiler.functions.own import library_of
from syncflow.compiler.masking import Mask
from syncflow.compiler.program import Program
from syncflow.compiler.routing.legs import written_routes
from syncflow.config.project import Project
from syncflow.events import Delivery
from syncflow.runtime.preview.counts import RouteCounts
from syncflow.runtime.preview.guarding import Tripped
from syncflow.runtime.preview.online import Found, Seen
from syncflow.runtime.preview.planner import Ahead
from syncflow.runtime.preview.steps import EFFECTS, Effect, Step

HIDDEN = "***"
MARKS: Mapping[Effect, str] = {"create": "+", "change": "~", "key_change": "~", "delete": "-", "unknown": "?"}
"""What stands before a change, by its effect; others are not listed."""


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field that differs; ``old`` and ``new`` are lists of one value, empty where it is not shown or not known."""

    name: str
    old: tuple[Any, ...] = ()
    new: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One change in the list."""

    effect: Effect
    route: str
    kind: str
    record: str
    key: str
    fields: tuple[ShownField, ...]
    carried: bool


@dataclass(frozen=True, slots=True)
class ShownRoute:
    """What a run would do by one route."""

    name: str
    system: str
    object: str
    counts: RouteCounts
    steps: tuple[ShownStep, ...]
    sends_all: bool
    keeps_left: bool
    seen: Seen | None = None
    """What is there now, where it was read back."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan, ready to be printed in any format."""

    project: str
    read: str
    events: int
    whole: bool
    journal: bool
    notes: tuple[str, ...]
    routes: tuple[ShownRoute, ...]
    ignored: Mapping[str, int]
    duplicates: int
    dead: Mapping[str, int]
    others: int
    """Changes of routes that were not asked for."""
    tripped: tuple[Tripped, ...] = ()
    """Guards that would hold their routes."""

    @property
    def changes(self) -> int:
        return sum(route.counts.changes for route in self.routes)

    @property
    def dead_letters(self) -> int:
        return sum(self.dead.values()) + sum(sum(route.counts.dead.values()) for route in self.routes)


@dataclass(slots=True)
class Listing:
    """The first steps of each route that change something: without values, or with them."""

    project: Project
    only: Sequence[str]
    most: int
    _steps: dict[str, list[Step]] = field(default_factory=dict)
    _before: Mapping[int, bytes] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        """Keep a step, if it is one of the first of its route."""
        if step.effect not in MARKS:
            return
        kept = self._steps.setdefault(step.delivery.route, [])
        if len(kept) < self.most:
            kept.append(step)

    def look_up(self, delivered: Callable[[Sequence[int]], Mapping[int, bytes]]) -> None:
        """Read what was sent before. ``delivered``: ids of deliveries → their payloads."""
        self._before = delivered([step.before for steps in self._steps.values() for step in steps if step.before])

    def of(self, route: str, *, values: bool = False) -> tuple[ShownStep, ...]:
        """Return the steps of a route as they are shown."""
        return tuple(self._shown(step, values=values) for step in self._steps.get(route, ()))

    def with_values(self, shown: Shown) -> Shown:
        """Return a plan with the values of its changes."""
        routes = (replace(route, steps=self.of(route.name, values=True)) for route in shown.routes)
        return replace(shown, routes=tuple(routes))

    def _shown(self, step: Step, *, values: bool) -> ShownStep:
        each = step.delivery
        before = json.loads(self._before.get(step.before, b"{}")) if values else {}
        names = step.fields or step.unknown
        fields = tuple(
            ShownField(
                name,
                (before[name],) if name in before else (),
                (each.payload[name],) if values and name in each.payload else (),
            )
            for name in ([] if step.effect in {"create", "delete"} and not values else names)
        )
        hidden = not values and self._has_personal_id(each)
        shown_key = values or not self._is_personal(each.route, each.key.name)
        return ShownStep(
            effect=step.effect,
            route=each.route,
            kind=each.record.kind,
            record=HIDDEN if hidden else each.record.id,
            key=f"{each.key.name} = {each.key.value if shown_key and not hidden else HIDDEN}",
            fields=fields,
            carried=step.is_carried,
        )

    def _has_personal_id(self, delivery: Delivery) -> bool:
        kind = delivery.record.kind
        settings, schema = self.project.routes.model.records.get(kind), self.project.schemas.get(kind)
        return settings is None or Mask(schema.model if schema else None, None).reads_personal(settings.id)

    def _is_personal(self, route: str, name: str) -> bool:
        for written in written_routes(self.project):
            for system, leg in written.legs.items():
                if leg == route:
                    schema = self.project.schemas.get(written.kind)
                    mask = Mask(schema.model if schema else None, None, functions=library_of(self.project))
                    return name in mask.fields(written.mappings[system].model)
        return True


def shown_of(
    project: Project,
    program: Program,
    ahead: Ahead,
    listing: Listing,
    *,
    words: Sequence[str],
    has_journal: bool,
    read: str,
    tripped: Sequence[Tripped],
    seen: Mapping[str, Seen],
) -> Shown:
    """Return a plan as it is shown, without values. ``read``: what is said to be read."""
    counts = ahead.counts
    notes = [*words, *(report.words for report in ahead.reports)]
    if not has_journal:
        notes.append("there is no journal yet: nothing is known to be there, so everything is a create")
    names = [name for name in program.routes if not listing.only or name in listing.only]
    return Shown(
        project=str(project.routes.name),
        read=read,
        events=counts.read,
        whole=ahead.is_whole,
        journal=has_journal,
        notes=tuple(dict.fromkeys(notes)),
        routes=tuple(
            ShownRoute(
                name=name,
                system=program.routes[name].system,
                object=program.routes[name].object,
                counts=counts.routes.get(name) or RouteCounts(),
                steps=listing.of(name),
                sends_all=program.routes[name].changed is None,
                keeps_left=program.routes[name].on_leave == "keep",
                seen=seen.get(name),
            )
            for name in names
        ),
        ignored=dict(counts.ignored.most_common()),
        duplicates=counts.duplicates,
        dead=dict(counts.dead.most_common()),
        others=sum(route.changes for name, route in counts.routes.items() if name not in names),
        tripped=tuple(tripped),
    )


def as_json(shown: Shown) -> dict[str, Any]:
    """Return a plan for programs."""
    return {
        "project": shown.project,
        "events": shown.events,
        "whole": shown.whole,
        "journal": shown.journal,
        "changes": shown.changes,
        "notes": list(shown.notes),
        "routes": [_route_json(route) for route in shown.routes],
        "ignored": dict(shown.ignored),
        "duplicates": shown.duplicates,
        "dead_letters": dict(shown.dead),
        "guards": [asdict(each) for each in shown.tripped],
    }


def _route_json(route: ShownRoute) -> dict[str, Any]:
    counts = route.counts
    return {
        "route": route.name,
        "system": route.system,
        "object": route.object,
        **{effect: counts.effects[effect] for effect in EFFECTS if effect != "dead"},
        "fields": dict(counts.fields.most_common()),
        "requests_for": counts.sent,
        "sent_unchanged": counts.sent_unchanged,
        "carried_over": counts.carried,
        "ignored": counts.ignored,
        "left": counts.kept,
        "dead_letters": dict(counts.dead.most_common()),
        "steps": [_step_json(step) for step in route.steps],
        **({} if route.seen is None else {"online": _seen_json(route.seen)}),
    }


ONLINE: tuple[tuple[str, Found, str], ...] = (
    ("+", "create", "create"),
    ("~", "change", "change"),
    ("-", "delete", "delete"),
    ("=", "unchanged", "unchanged"),
    ("?", "unknown", "unknown"),
)
"""Mark, what is counted, and how it is called."""


def _seen_json(seen: Seen) -> dict[str, Any]:
    return {
        **{found: seen.found[found] for _, found, _ in ONLINE},
        "gone": seen.found["gone"],
        "fields": dict(seen.fields.most_common()),
        "drifted": seen.drifted,
        "requests": seen.requests,
        "left_out": seen.left_out,
        "reasons": dict(seen.reasons.most_common()),
    }


def _step_json(step: ShownStep) -> dict[str, Any]:
    shown = asdict(step)
    shown["fields"] = [
        {"field": each.name, **({"old": each.old[0]} if each.old else {}), **({"new": each.new[0]} if each.new else {})}
        for each in step.fields
    ]
    del shown["route"]
    return shown

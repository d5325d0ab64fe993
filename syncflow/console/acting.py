"""Redrive, drop, replay, pause, resume: read from a form or JSON, previewed, confirmed by the number shown, noted with who did it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import orjson

from syncflow.console.access import Visitor, safe_text, same
from syncflow.console.asking import ACTIONS, Asking
from syncflow.console.words import segment
from syncflow.runtime.desk.letters import Letters
from syncflow.runtime.desk.operator_actions import Noted
from syncflow.runtime.desk.pausing import LONGEST_WHY
from syncflow.runtime.journal.base import How
from syncflow.runtime.pauses import What

MOST_SHOWN = 20
_MOST_IDS = 1_000
_PAUSES = ("pause", "resume")
_FILTERS = ("route", "system", "stage", "code", "record")


class ActionError(Exception):
    """A wish that is not carried out; ``status`` is that of the answer."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants done. ``confirmed`` is the number that they were shown, None before they were shown any."""

    action: str
    letters: Letters
    how: How = "as_sent"
    everything: bool = False
    confirmed: int | None = None
    why: str = ""
    """Of a pause: its reason."""

    @property
    def allowed_by(self) -> str:
        """What a console must have been started with."""
        return "pause" if self.action in _PAUSES else self.action

    @property
    def place(self) -> tuple[What, str]:
        """Of a pause: the system or the route."""
        return ("system", self.letters.system) if self.letters.system else ("route", self.letters.route)

    @property
    def words(self) -> str:
        """Which are meant, for the list of what was done: ids of records are left out."""
        if self.action == "replay":
            return "one record"
        if self.action in _PAUSES:
            return " ".join(self.place) + (f": {self.why}" if self.why else "")
        chosen = [f"{name} {value}" for name in _FILTERS[:-1] if (value := getattr(self.letters, name))]
        if self.letters.record:
            chosen.append("one record")
        if self.letters.ids:
            shown = ", ".join(map(str, self.letters.ids[:10]))
            chosen.append(f"dead letters {shown}{' …' if len(self.letters.ids) > 10 else ''}")
        remapped = ", mapped again" if self.how == "remap" else ""
        return (", ".join(chosen) or "all dead letters") + remapped


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be done: how many, and the newest of them."""

    wish: Wish
    count: int
    rows: Sequence[Mapping[str, Any]] = ()
    note: str = ""
    """Why it was not done although it was confirmed."""
    open: int = 0
    """Of a pause: how many deliveries are open."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done."""

    action: str
    count: int


def from_form(action: str, body: bytes) -> tuple[Wish, str]:
    """Read a form; return the wish and the check that it carries."""
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=2_000)
    values = {name: found[-1] for name, found in fields.items()}
    ids = [each for text in fields.get("id", []) for each in text.split(",") if each]
    return _wish(action, values, ids), values.get("check", "")


def from_json(action: str, body: bytes) -> Wish:
    """Read the JSON of a program."""
    try:
        values = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise ActionError(400, "expected a JSON object") from None
    if not isinstance(values, dict):
        raise ActionError(400, "expected a JSON object")
    unknown = sorted(set(values) - {*_FILTERS, "ids", "how", "all", "confirm", "why"})
    if unknown:
        raise ActionError(400, f"unknown: {', '.join(unknown)[:100]}")
    ids = values.pop("ids", [])
    if not isinstance(ids, list):
        raise ActionError(400, "ids: expected a list of numbers")
    texts = {
        name: "yes" if value is True else str(value) for name, value in values.items() if value not in (None, False)
    }
    return _wish(action, texts, [str(each) for each in ids])


def _wish(action: str, values: Mapping[str, str], ids: Sequence[str]) -> Wish:
    if action not in {*ACTIONS, *_PAUSES}:
        raise ActionError(404, f"expected one of {', '.join(ACTIONS)}, resume")
    if len(ids) > _MOST_IDS:
        raise ActionError(400, f"expected at most {_MOST_IDS:,} ids")
    how: dict[str, How] = {"": "as_sent", "as_sent": "as_sent", "remap": "remap"}
    if values.get("how", "") not in how:
        raise ActionError(400, "how: expected as_sent or remap")
    given = {name: values.get(name, "")[:500] for name in _FILTERS}
    letters = Letters(
        ids=tuple(_number(each, "ids") for each in ids),
        route=given["route"],
        system=given["system"],
        stage=given["stage"],
        code=given["code"],
        record=given["record"],
    )
    everything = bool(values.get("all"))
    if action == "replay" and not letters.record:
        raise ActionError(400, "record: expected the id of a record")
    if action in _PAUSES:
        return _pausing(action, letters, values)
    if action != "replay" and letters == Letters() and not everything:
        raise ActionError(400, "say which dead letters: ids, a filter such as route, or all")
    confirmed = _number(values["confirm"], "confirm") if values.get("confirm") else None
    return Wish(action, letters, how[values.get("how", "")], everything, confirmed)


def _pausing(action: str, letters: Letters, values: Mapping[str, str]) -> Wish:
    if bool(letters.system) == bool(letters.route) or letters != Letters(system=letters.system, route=letters.route):
        raise ActionError(400, "expected a system or a route")
    confirmed = _number(values["confirm"], "confirm") if values.get("confirm") else None
    return Wish(action, letters, confirmed=confirmed, why=safe_text(values.get("why", ""), LONGEST_WHY))


def _number(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ActionError(400, f"{name}: expected a number")
    return int(text)


def after(wish: Wish) -> str:
    """Return the page that shows what was done."""
    if wish.action not in _PAUSES:
        return "/actions"
    what, name = wish.place
    return f"/{what}s/{segment(name)}"


def check_form(visitor: Visitor, check: str) -> None:
    """Refuse a form that was not made by this console for this session; a program with the token needs none.

    Raises:
        ActionError: it was not.
    """
    if visitor.check and not same(visitor.check, check):
        raise ActionError(403, "this form is of another session: go back and try again")


async def act(asking: Asking, visitor: Visitor, wish: Wish) -> Preview | Done:
    """Do what was confirmed; return a preview where nothing was yet, or where the number has changed since.

    Raises:
        ActionError: it is not allowed here.
        DataError: there is nothing to replay of the record.
    """
    if wish.allowed_by not in asking.settings.allow:
        raise ActionError(403, f"this console may not {wish.action}: start it with --allow {wish.allowed_by}")
    return await asking.ask(lambda: _act(asking, visitor, wish))


def _act(asking: Asking, visitor: Visitor, wish: Wish) -> Preview | Done:
    noted = Noted(visitor.by, wish.words)
    if wish.action in _PAUSES:
        return _pause(asking, wish, noted)
    if wish.action == "replay":
        events = asking.desk.replayable(wish.letters.record)
        if wish.confirmed != len(events):
            return Preview(wish, len(events), [{"event": event} for event in events[:MOST_SHOWN]], _changed(wish))
        return Done(wish.action, asking.desk.replay(events, noted=noted))
    count = asking.desk.count(wish.letters)
    if not count or wish.confirmed != count:
        page = asking.desk.letters(wish.letters, before=None, most=MOST_SHOWN)
        return Preview(wish, count, page.rows, _changed(wish))
    if wish.action == "drop":
        return Done("drop", asking.desk.drop(wish.letters, noted=noted))
    return Done("redrive", asking.desk.redrive(wish.letters, how=wish.how, noted=noted))


def _pause(asking: Asking, wish: Wish, noted: Noted) -> Preview | Done:
    """Pause or resume one place: the number that is confirmed is 1, or 0 where there is nothing to do."""
    is_paused, waiting = asking.desk.paused(*wish.place)
    count = int(is_paused != (wish.action == "pause"))
    if not count or wish.confirmed != count:
        return Preview(wish, count, open=waiting)
    if wish.action == "pause":
        done = asking.desk.pause(*wish.place, why=wish.why, noted=noted)
    else:
        done = asking.desk.resume(*wish.place, noted=noted)
    return Done(wish.action, int(done))


def _changed(wish: Wish) -> str:
    return "" if wish.confirmed is None else "Their number has changed since it was shown. Nothing was done yet."

"""Acme Directory, an invented JSON API with its own key header and error shape: people by id, one at a time."""

from __future__ import annotations

from typing import Any

from .settings import DirectorySettings
from .system import Desk
from .wire import Answer, BadJsonError, Call, Routes, json_answer

_KINDS = ("partner", "vendor", "customer")
_KNOWN = frozenset({"id", "display_name", "mail", "phone", "kind"})
routes = Routes()


def _fault(status: int, kind: str, explain: str, headers: dict[str, str] | None = None) -> Answer:
    return json_answer(status, {"fault": {"kind": kind, "explain": explain}}, headers)


class Directory:
    """The directory of people."""

    name = "directory"
    routes = routes

    def __init__(self, settings: DirectorySettings, seed: int) -> None:
        self.desk = Desk(settings, seed)
        self.people: dict[str, dict[str, Any]] = {}
        self.numbered = 0
        self.configure(settings)

    def configure(self, settings: DirectorySettings) -> None:
        """Take over new settings."""
        self.settings = settings
        self.desk.configure(settings)

    def answer(self, call: Call) -> Answer:
        """Carry out a call."""
        if call.headers.get("x-directory-key") != self.settings.key:
            return _fault(401, "bad_key", "The header X-Directory-Key is missing or names no key of this directory.")
        try:
            found = self.routes.find(call.method, call.path)
        except LookupError:
            return _fault(405, "no_such_method", f"{call.method} is not possible here.")
        if found is None:
            return _fault(404, "no_such_page", "There is nothing at this address.")
        handler, segments = found
        return handler(self, call, **segments)

    def too_fast(self, call: Call) -> Answer:
        """429 with the seconds to wait."""
        wait = max(1, round(self.desk.meter.seconds))
        return _fault(429, "too_fast", "Too many requests; wait before the next.", {"Retry-After": str(wait)})

    def quota_used(self, call: Call) -> Answer:
        """429 with a long wait."""
        return _fault(429, "too_fast", "The requests of this day are used up.", {"Retry-After": "3600"})

    def broken(self, status: int) -> Answer:
        """The directory's own shape for any trouble."""
        return _fault(status, "bad_key" if status == 401 else "trouble", f"The directory answers {status}.")

    def headers(self, call: Call) -> dict[str, str]:
        """None that are its own."""
        return {}

    def exempt(self, call: Call) -> bool:
        """Nothing is: there is no sign-in."""
        return False

    def can_expire(self, call: Call) -> bool:
        """Keys do not expire."""
        return False

    def expire(self) -> None:
        """Keys do not expire."""

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """The people, in order of their numbers."""
        return {"people": list(self.people.values())}

    def counts(self) -> dict[str, int]:
        """How many people."""
        return {"people": len(self.people)}


@routes.on("PUT", "/v1/people/{person_id}")
def put_person(directory: Directory, call: Call, person_id: str) -> Answer:
    """Create or replace a person."""
    try:
        body = call.json()
    except BadJsonError as error:
        return _fault(400, "invalid_person", f"The body is not JSON: {error}")
    person = body.get("person") if isinstance(body, dict) else None
    if not isinstance(person, dict):
        return _fault(400, "invalid_person", "The body must be an object with one key, person.")
    fault = _unknown(body, person) or _wrong(person_id, person) or _struck(directory, person_id, person)
    if fault is not None:
        return fault
    known = directory.people.get(person_id)
    directory.numbered += known is None
    number = known["number"] if known else directory.numbered
    directory.people[person_id] = {**person, "id": person_id, "number": number}
    return json_answer(200, {"person": directory.people[person_id]})


@routes.on("GET", "/v1/people/{person_id}")
def get_person(directory: Directory, call: Call, person_id: str) -> Answer:
    """Read a person."""
    person = directory.people.get(person_id)
    return json_answer(200, {"person": person}) if person else _nobody(person_id)


@routes.on("DELETE", "/v1/people/{person_id}")
def delete_person(directory: Directory, call: Call, person_id: str) -> Answer:
    """Remove a person."""
    return Answer(204) if directory.people.pop(person_id, None) else _nobody(person_id)


@routes.on("GET", "/v1/people")
def list_people(directory: Directory, call: Call) -> Answer:
    """List everybody."""
    return json_answer(200, {"people": list(directory.people.values())})


def _nobody(person_id: str) -> Answer:
    return _fault(404, "no_such_person", f"There is no person {person_id!r}.")


def _unknown(body: dict[str, Any], person: dict[str, Any]) -> Answer | None:
    unknown = sorted((body.keys() - {"person"}) | (person.keys() - _KNOWN))
    return _fault(400, "unknown_field", f"Unknown: {', '.join(unknown)}.") if unknown else None


def _wrong(person_id: str, person: dict[str, Any]) -> Answer | None:
    """The first thing wrong with a person, in the order in which the directory looks."""
    texts = {key: person.get(key) for key in _KNOWN}
    if any(text is not None and not isinstance(text, str) for text in texts.values()):
        return _fault(400, "invalid_person", "Every field is text.")
    name, mail = texts["display_name"], texts["mail"]
    complaints = (
        (texts["id"] not in (None, person_id), "id differs from the one in the address."),
        (not name or not name.strip(), "display_name is required."),
        (name is not None and len(name) > 60, "display_name may have 60 characters."),
        (mail is not None and "@" not in mail, "mail must contain @."),
        (texts["kind"] not in _KINDS, f"kind must be one of {', '.join(_KINDS)}."),
    )
    return next((_fault(400, "invalid_person", text) for wrong, text in complaints if wrong), None)


def _struck(directory: Directory, person_id: str, person: dict[str, Any]) -> Answer | None:
    desk = directory.desk
    refusal = desk.refusals.message("people", {**person, "id": person_id})
    if refusal or desk.faults.record("invalid"):
        return _fault(400, "invalid_person", refusal or "The directory took a dislike to this person.")
    return _fault(409, "locked", "Somebody else is changing this person.") if desk.faults.record("lock") else None

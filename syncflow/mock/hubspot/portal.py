"""The mock HubSpot itself: its object types, its tokens, and the way from a call to its answer."""

from __future__ import annotations

import re
import time
from typing import Any

import orjson

from ..limits import Meter, Verdict
from ..settings import HubspotSettings, SystemSettings
from ..system import Desk
from ..wire import Answer, BadJsonError, Call, Routes, json_answer
from .problems import Problem, RefusedError, correlation
from .properties import Property, custom_property, shipped, shipped_property
from .records import ObjectType
from .tokens import Tokens, expired

# /crm/v3/objects/…, /crm/objects/2026-09/… and the same for properties; the rest of the path is alike in both families.
_PATH = re.compile(
    r"/crm/(?:v[34]/(?P<old>objects|properties|associations)|(?P<new>objects|properties|associations)/(?P<version>\d{4}-\d\d(?:-beta)?))(?P<rest>/.*)?",
    re.IGNORECASE,
)
_SEARCHES = re.compile(r"/crm/.*/search", re.IGNORECASE)
_PER_DAY = 1_000_000
_OTHERS = {  # name → type id, what one is called, its properties: texts, unless they say otherwise
    "companies": ("0-2", "company", "name domain phone city country website description"),
    "deals": ("0-3", "deal", "dealname dealstage pipeline description amount:number closedate:datetime"),
    "tickets": ("0-5", "ticket", "subject content hs_pipeline hs_pipeline_stage hs_ticket_priority"),
}
_FIELDS = {"string": "text", "number": "number", "datetime": "date"}
_CUSTOM = (
    {"name": "syncflow_id", "label": "Syncflow id", "type": "string", "fieldType": "text", "hasUniqueValue": True},
    {"name": "contact_type", "label": "Contact type", "type": "string", "fieldType": "text"},
)
_NOW = "2026-01-01T00:00:00.000Z"


class Hubspot:
    """A mock account."""

    name = "hubspot"
    routes = Routes()
    """Who answers what; the parts of the account are put in by the package."""

    def __init__(self, settings: HubspotSettings, seed: int) -> None:
        self.desk = Desk(settings, seed)
        self.types = {
            "contacts": ObjectType("contacts", "0-1", "CONTACT", _contact_properties(), self.desk),
        }
        self._names = {"contact": "contacts", "0-1": "contacts"}
        for name, (type_id, one, properties) in _OTHERS.items():
            self.types[name] = ObjectType(name, type_id, one.upper(), _properties(one, properties), self.desk)
            self._names |= {one: name, type_id: name}
        self.associations: dict[tuple[str, str], dict[str, dict[str, set[tuple[str, int]]]]] = {}
        """(type, other type) → id → other id → its types, from both sides."""
        self.tokens = Tokens(settings)
        self._answered = 0
        self.configure(settings)

    def configure(self, settings: HubspotSettings) -> None:
        """Take over new settings; tokens go on."""
        self.settings = settings
        self.tokens.settings = settings
        self.desk.configure(settings)
        self._searches = Meter(SystemSettings(rate="off" if settings.rate == "off" else "5/s"))

    def answer(self, call: Call) -> Answer:
        """Carry out a call."""
        try:
            return self._dispatch(call)
        except RefusedError as refused:
            return self.refusal(refused.problem)
        except BadJsonError as error:
            return self.refusal(Problem(400, None, f"Invalid input JSON on {error}"))

    def _dispatch(self, call: Call) -> Answer:
        found = _PATH.fullmatch(call.path)
        if found is None and not call.path.lower().startswith("/oauth/"):
            raise RefusedError(Problem(404, None, "resource not found"))
        path = call.path
        if found is not None:
            self.tokens.check(call)
            path = f"/{(found['old'] or found['new']).lower()}{found['rest'] or ''}"
        if _SEARCHES.fullmatch(call.path) and self._searches.arrive(time.monotonic()) is not Verdict.FREE:
            raise RefusedError(Problem(429, "RATE_LIMITS", "You have reached your secondly limit."))
        try:
            handler = self.routes.find(call.method, path)
        except LookupError:
            raise RefusedError(Problem(405, None, f"{call.method} is not allowed here")) from None
        if handler is None:
            raise RefusedError(Problem(404, None, "resource not found"))
        return handler[0](self, call, **handler[1])

    def object_type(self, name: str) -> ObjectType:
        """The object type of this name or type id."""
        found = self.types.get(self._names.get(name.lower(), name.lower()))
        if found is None:
            raise RefusedError(Problem(400, "VALIDATION_ERROR", f"Unable to infer object type from: {name}"))
        return found

    def add_object(self, name: str) -> ObjectType:
        """Add an object type of the account's own, which is known by its name and by an id such as 2-1004."""
        type_id = f"2-{1000 + len(self.types)}"
        kind = self.types[name] = ObjectType(name, type_id, name.upper(), _properties(name, "name"), self.desk)
        self._names[type_id] = name
        return kind

    def body(self, call: Call) -> dict[str, Any]:
        """The body of a call, which must be an object."""
        sent = call.json()
        if not isinstance(sent, dict):
            text = "Invalid input JSON on line 1, column 1: Cannot deserialize value: an object was expected"
            raise RefusedError(Problem(400, None, text))
        return sent

    def refusal(self, problem: Problem) -> Answer:
        """A problem as an answer."""
        return json_answer(problem.status, problem.body(self._correlation()))

    def too_fast(self, call: Call) -> Answer:
        """429 of the gateway, whose policy is named after the window; or 429 of search, which has another shape."""
        seconds = self.desk.meter.seconds
        if _SEARCHES.fullmatch(call.path):
            return self.refusal(Problem(429, "RATE_LIMITS", "You have reached your secondly limit."))
        policy = "SECONDLY" if seconds <= 1 else "TEN_SECONDLY_ROLLING"
        return self._over(policy)

    def quota_used(self, call: Call) -> Answer:
        """429 of the day."""
        return self._over("DAILY")

    def _over(self, policy: str) -> Answer:
        text = f"You have reached your {policy.lower()} limit."
        body = {
            "status": "error",
            "message": text,
            "errorType": "RATE_LIMIT",
            "correlationId": self._correlation(),
            "policyName": policy,
        }
        group = "publicapi:private_app-api-calls-" + ("daily" if policy == "DAILY" else "ten-secondly") + ":1"
        request = {"requestId": body["correlationId"]} if policy == "DAILY" else {}
        return Answer(429, orjson.dumps({**body, "groupName": group, **request}))

    def broken(self, status: int) -> Answer:
        """The body of an injected status."""
        if status == 401:
            return self.refusal(expired(300))
        text = {423: "The object is locked by another write.", 477: "The account is moving to another data centre."}
        answer = self.refusal(
            Problem(status, None if status < 500 else "INTERNAL_ERROR", text.get(status, "internal error"))
        )
        if status == 477:
            answer.headers["Retry-After"] = "2"
        return answer

    def headers(self, call: Call) -> dict[str, str]:
        """The state of the limits; search tells only that of the day. Called once per answer, after its body is made."""
        meter = self.desk.meter
        most = _PER_DAY if meter.daily is None else meter.daily
        told = {
            "X-HubSpot-Correlation-Id": self._correlation(),
            "X-HubSpot-RateLimit-Daily": str(most),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, most - meter.passed)),
        }
        self._answered += 1  # the next answer has another correlation id
        if not meter.limited or _SEARCHES.fullmatch(call.path):
            return told
        told["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(int(meter.seconds * 1000))
        told["X-HubSpot-RateLimit-Max"] = str(meter.most)
        told["X-HubSpot-RateLimit-Remaining"] = str(meter.remaining)
        return told

    def _correlation(self) -> str:
        return correlation(self._answered)

    def exempt(self, call: Call) -> bool:
        """Getting a token is not an API request."""
        return call.path.lower().startswith("/oauth/")

    def can_expire(self, call: Call) -> bool:
        """Tokens that were given out do, that of a private app does not."""
        return self.tokens.settled(call)

    def expire(self) -> None:
        """End every token that was given out."""
        self.tokens.expire()

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """What each object type holds: id and the values written."""
        return {
            name: [{"id": each.id, **each.values} for each in kind.records.values()]
            for name, kind in self.types.items()
        }

    def counts(self) -> dict[str, int]:
        """How many records each object type holds."""
        return {name: len(kind.records) for name, kind in self.types.items()}


def _contact_properties() -> list[Property]:
    own = [custom_property({**each, "groupName": "contactinformation"}, _NOW) for each in _CUSTOM]
    return [*(shipped_property(each) for each in shipped()["properties"]), *own]


def _properties(one: str, written: str) -> list[Property]:
    group = {"groupName": f"{one}information"}
    facts = []
    for name, _, kind in (each.partition(":") for each in written.split()):
        shape = {"type": kind or "string", "fieldType": _FIELDS[kind or "string"]}
        facts.append({"name": name, "label": name.title(), **shape, **group})
    return [*map(shipped_property, facts), custom_property({**_CUSTOM[0], **group}, _NOW)]

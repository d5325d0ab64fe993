"""The mock Salesforce itself: its objects, its sessions, and the way from a call to its answer."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from ..settings import SalesforceSettings
from ..system import Desk
from ..wire import Answer, BadJsonError, Call, Routes
from .entity import Entity, custom_object
from .fields import shipped
from .jobs import Jobs
from .problems import EXPIRED, Problem, RefusedError, error_answer, refuse
from .sessions import Sessions

_VERSION = re.compile(r"/services/data/v(\d+)\.0(?=/|$)", re.IGNORECASE)
_OLDEST, _NEWEST = 31, 68
_DUPLICATES = "sforce-duplicate-rule-header"
_LONGEST_ADDRESS = 16_384
_FREE_MOST = 5_000_000  # what a full sandbox may; shown while no quota is set


class Salesforce:
    """A mock org."""

    name = "salesforce"
    routes = Routes()
    """Who answers what; the parts of the org are put in by the package."""

    def __init__(self, settings: SalesforceSettings, seed: int) -> None:
        self.desk = Desk(settings, seed)
        self.entities = {name: Entity(name, self.desk) for name in shipped()["objects"]}
        for entity in self.entities.values():
            entity.others = self.entities
        self.sessions = Sessions(settings)
        self.jobs = Jobs(self.desk, settings)
        self.cursors: dict[str, list[dict[str, Any]]] = {}
        self.configure(settings)

    def configure(self, settings: SalesforceSettings) -> None:
        """Take over new settings; sessions go on."""
        self.settings = settings
        self.sessions.settings = self.jobs.settings = settings
        self.desk.configure(settings)

    def answer(self, call: Call) -> Answer:
        """Carry out a call."""
        try:
            return self.dispatch(call)
        except RefusedError as refused:
            return error_answer(refused.status, *refused.problems)
        except BadJsonError as error:
            return error_answer(400, Problem("JSON_PARSER_ERROR", str(error), None))

    def dispatch(self, call: Call) -> Answer:
        """Find who answers and let them; what is refused is raised."""
        if len(call.path) + len(urlencode(call.query)) > _LONGEST_ADDRESS:
            raise refuse(414, "URI_TOO_LONG", f"The length of the URI exceeds the {_LONGEST_ADDRESS} byte limit.")
        version = _VERSION.match(call.path)
        path = call.path if version is None else call.path[version.end() :] or "/"
        if version is not None and not _OLDEST <= int(version[1]) <= _NEWEST:
            raise refuse(410, "UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL")
        if version is not None:
            self.sessions.check(call)
            saves = "allowsave=true" in call.headers.get(_DUPLICATES, "").lower()
            for entity in self.entities.values():
                entity.kept_apart = () if saves else tuple(self.settings.duplicates)
            self.jobs.pass_time()
        try:
            found = self.routes.find(call.method, path)
        except LookupError:
            raise refuse(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed.") from None
        if found is None:
            raise refuse(404, "NOT_FOUND", "The requested resource does not exist")
        handler, segments = found
        return handler(self, call, **segments)

    def entity(self, name: str) -> Entity:
        """The object of this name, in upper or lower case."""
        found = self.entities.get(name) or next(
            (e for e in self.entities.values() if e.name.lower() == name.lower()), None
        )
        if found is None:
            raise refuse(404, "NOT_FOUND", "The requested resource does not exist")
        return found

    def add_object(self, name: str) -> Entity:
        """Add an object, as an administrator of the org would: ``Project__c``."""
        entity = self.entities[name] = Entity(name, self.desk, custom_object(name, len(self.entities)))
        entity.others = self.entities
        return entity

    def too_fast(self, call: Call) -> Answer:
        """403, as for too many requests at a time."""
        return _over("ConcurrentRequests (Concurrent API Requests) Limit exceeded.")

    def quota_used(self, call: Call) -> Answer:
        """403, as for a used-up day."""
        return _over("TotalRequests Limit exceeded.")

    def broken(self, status: int) -> Answer:
        """The body of an injected status."""
        if status == 401:
            return error_answer(401, EXPIRED)
        if status == 503:
            text = "We can't process your request right now: the server is too busy. Try again."
            return error_answer(503, Problem("SERVER_UNAVAILABLE", text, None))
        text = "An unexpected error occurred. Please include this ErrorId if you contact support : 1234567890-12345"
        return error_answer(status, Problem("UNKNOWN_EXCEPTION", text, None))

    def headers(self, call: Call) -> dict[str, str]:
        """The state of the daily quota, on every REST answer."""
        if self.exempt(call):
            return {}
        used = self.desk.meter.passed
        return {"Sforce-Limit-Info": f"api-usage={used}/{daily_most(self.desk)}"}

    def exempt(self, call: Call) -> bool:
        """Signing in is not an API request."""
        return call.path.lower().startswith("/services/oauth2")

    def can_expire(self, call: Call) -> bool:
        """Sessions do, the token of the settings does not."""
        return self.sessions.settled(call)

    def expire(self) -> None:
        """End every session."""
        self.sessions.expire()

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """What each object holds: the fields that have a value."""
        return {name: list(entity.records.values()) for name, entity in self.entities.items()}

    def counts(self) -> dict[str, int]:
        """How many records each object holds."""
        return {name: len(entity.records) for name, entity in self.entities.items()}


def daily_most(desk: Desk) -> int:
    """The daily quota as the org states it."""
    return _FREE_MOST if desk.meter.daily is None else desk.meter.daily


def _over(text: str) -> Answer:
    return error_answer(403, Problem("REQUEST_LIMIT_EXCEEDED", text, None))

"""The other side of a simulation: three small vendors in memory, a network that fails by a seed, and a log of every effect.

They speak the parts of their APIs that the adapters use. Everything is decided by the seed's random numbers and by virtual time.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple, NoReturn
from urllib.parse import parse_qs

import httpx
import orjson

from tests.simulation.curse import Curse
from tests.simulation.directory import Directory, Profiles
from tests.simulation.roster import Roster

_OF_DIRECTORY = ((12, 1.0, ""), (120, 60.0, ""), (3, 5.0, "DELETE"))
LIMITS: dict[str, tuple[tuple[int, float, str], ...]] = {
    "salesforce": ((20, 1.0, ""),),
    "hubspot": ((15, 1.0, ""),),
    "ledger": ((30, 1.0, ""),),
    "mailing": ((30, 1.0, ""),),
    "profile": ((30, 1.0, ""),),
    "directory": _OF_DIRECTORY,
    "archive": _OF_DIRECTORY,
    "roster": ((30, 1.0, ""),),
}
"""Requests within any so many seconds, of one method or of all; one more is a violation, over all lives of a run."""

MOST_WHILE_DOWN = 1.0
"""Requests a second that a system may get while it answers none: probes come at random within 4 s once their waits have grown."""

DULL_SECONDS = 40.0
"""An outage is dull but for so long after its beginning and before its end."""

NAMES = {"salesforce": "LastName", "hubspot": "lastname", "mailing": "name"}


class Effect(NamedTuple):
    """Something that changed there: the record, and the number of the event whose payload it was (None: deleted)."""

    system: str
    record: str
    event: int | None


Reply = tuple[int, Any, dict[str, str]]


class Answer(NamedTuple):
    """A reply as the network carries it."""

    status: int
    content: bytes
    headers: dict[str, str]


@dataclass
class World:
    """All vendors. ``now`` is true time, whatever the engine's clocks say; ``faults`` is the chance of each kind of trouble."""

    random: Random
    now: Callable[[], float]
    faults: float = 0.0
    effects: list[Effect] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    held: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {"salesforce": {}, "hubspot": {}, "mailing": {}}
    )
    entries: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The ledger: idempotency key → (ref, text)."""
    refused: set[tuple[str, int]] = field(default_factory=set)
    """(system, event) of what a customer's rule refused."""
    lost_share: float = 0.3
    """Of the troubles: how often a request, or its answer, is lost on the way."""
    booked_without_key: int = 0
    requests: int = 0
    troubles: int = 0
    """How often something went wrong on the way or over there, by chance."""
    down: tuple[str, float] = ("", 0.0)
    """A system, and when it goes down, for ``down_seconds``."""
    down_seconds: float = 0.0
    asked_while_down: int = 0
    curse: Curse | None = None
    is_paused: Callable[[str], bool] = lambda _: False
    """Whether nothing is to be sent to a system."""
    _arrivals: dict[tuple[str, int], deque[float]] = field(default_factory=dict)
    _tokens: int = 0

    def __post_init__(self) -> None:
        self.directories = {name: Directory(name, self._effect) for name in ("directory", "archive")}
        self.profiles = Profiles()
        self.roster = Roster()

    def _effect(self, system: str, record: str, event: int | None) -> None:
        self.effects.append(Effect(system, record, event))

    def is_down(self, system: str) -> bool:
        return system == self.down[0] and self.down[1] <= self.now() < self.down[1] + self.down_seconds

    def is_dull(self) -> bool:
        """Whether a system has been down for a while, and will be for a while."""
        since = self.now() - self.down[1]
        return bool(self.down[0]) and DULL_SECONDS <= since < self.down_seconds - DULL_SECONDS

    def trouble(self, share: float = 1.0) -> bool:
        strikes = self.random.random() < self.faults * share
        self.troubles += strikes
        return strikes

    async def answer(self, request: httpx.Request) -> Answer:
        """Carry a request through the network: it may be lost before or after it took effect."""
        system = request.url.host.split(".")[0]
        if self.is_down(system):
            self.asked_while_down += 1
            raise httpx.ConnectError("the host is down")
        if self.trouble(0.3):
            raise httpx.ConnectError("refused")
        await asyncio.sleep(self.random.uniform(0.001, 0.05))
        self._count(system, request.method)
        if self.is_paused(system):
            self.violations.append(f"{system} is paused, and was sent {request.method} {request.url.path}")
        if self.curse and self.curse.strikes(system, request):
            return await self._struck()
        struck = self.curse.moment if self.curse else 0
        await asyncio.sleep(self.random.choice((0.0, 0.0, 0.01, 0.4)) if self.faults else 0.0)
        if self.trouble(self.lost_share):
            self._without_effect(system, request)
            await self._lost()
        if self.trouble(0.5):
            self._without_effect(system, request)
            return _answer(self._refusal(system))
        reply = getattr(self, f"_{system}")(request)
        if self.trouble(self.lost_share):
            await self._lost()
        await asyncio.sleep(self.random.uniform(0.0, 0.05))
        if self.curse and reply[0] < 300:
            self.curse.succeeded(system, request, since=struck)
        return self._spoil(_answer(reply))

    def _without_effect(self, system: str, request: httpx.Request) -> None:
        if system == "roster":
            self.roster.unanswered(request)

    def _count(self, system: str, method: str) -> None:
        """Count as a strict vendor does: over any period of true time, whatever it answers."""
        self.requests += 1
        for number, (most, seconds, only) in enumerate(LIMITS[system]):
            if only not in ("", method):
                continue
            arrivals = self._arrivals.setdefault((system, number), deque())
            arrivals.append(self.now())
            while arrivals[0] <= self.now() - seconds:
                arrivals.popleft()
            if len(arrivals) > most:
                self.violations.append(f"{len(arrivals)} requests {only} reached {system} within {seconds:g} s")

    async def _struck(self) -> Answer:
        status = self.random.choice((500, 502, 503, 0))
        if not status:
            raise httpx.ReadError("reset")
        await asyncio.sleep(self.random.uniform(0.0, 0.05))
        return Answer(status, b"<html>no</html>", {})

    async def _lost(self) -> NoReturn:
        if self.random.random() < 0.3:
            await asyncio.sleep(3600)
        raise httpx.ReadError("reset")

    def _refusal(self, system: str) -> Reply:
        if system == "salesforce":
            limit = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentRequests Limit exceeded."}]
            session = [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]
            options: list[Reply] = [(403, limit, {}), (401, session, {}), (503, "<html>busy</html>", {}), (500, [], {})]
        else:
            burst = {"status": "error", "message": "limit", "errorType": "RATE_LIMIT", "policyName": "SECONDLY"}
            options = [
                (429, burst, {"Retry-After": "1"}),
                (502, "<html>bad gateway</html>", {}),
                (423, {}, {}),
                (504, "", {}),
            ]
        return self.random.choice(options)

    def _spoil(self, answer: Answer) -> Answer:
        """Return an answer that lies or breaks after the effect."""
        if answer.status >= 300 or not self.trouble(0.3):
            return answer
        half = answer.content[: len(answer.content) // 2] or b"["
        return Answer(answer.status, self.random.choice((b"<html>proxy error</html>", b"", half)), {})

    # -- the vendors --------------------------------------------------------------------------------------------------------

    def _salesforce(self, request: httpx.Request) -> Reply:
        path = request.url.path
        if path.endswith("/token"):
            self._tokens += 1
            return 200, {"access_token": f"t{self._tokens}", "instance_url": "http://salesforce.sim"}, {}
        if path.endswith("/query"):
            return 200, {"records": self._found(parse_qs(request.url.query.decode())["q"][0])}, {}
        if request.method == "DELETE":
            ids = parse_qs(request.url.query.decode())["ids"][0].split(",")
            return 200, [self._salesforce_delete(id_) for id_ in ids], {}
        records = orjson.loads(request.content)["records"]
        return 200, [self._salesforce_upsert(record) for record in records], {}

    def _found(self, query: str) -> list[dict[str, Any]]:
        keys = re.findall(r"'([^']*)'", query)
        held = self.held["salesforce"]
        return [{"Id": held[key]["Id"], "External_Id__c": key} for key in keys if key in held]

    def _salesforce_upsert(self, record: Mapping[str, Any]) -> dict[str, Any]:
        if self.trouble(0.2):
            return _failed("UNABLE_TO_LOCK_ROW", "locked")
        if record.get("Phone") == "refuse":
            self.refused.add(("salesforce", _number(record["LastName"])))
            return _failed("FIELD_CUSTOM_VALIDATION_EXCEPTION", "a customer's rule")
        key = record["External_Id__c"]
        self._upsert("salesforce", key, record)
        return {"id": self.held["salesforce"][key]["Id"], "success": True, "errors": [], "created": False}

    def _salesforce_delete(self, id_: str) -> dict[str, Any]:
        key = next((key for key, row in self.held["salesforce"].items() if row["Id"] == id_), None)
        if key is None:
            return _failed("ENTITY_IS_DELETED", "entity is deleted")
        if self.trouble(0.2):
            return _failed("UNABLE_TO_LOCK_ROW", "locked")
        self._delete("salesforce", key)
        return {"id": id_, "success": True, "errors": []}

    def _hubspot(self, request: httpx.Request) -> Reply:
        inputs = orjson.loads(request.content)["inputs"]
        held = self.held["hubspot"]
        if request.url.path.endswith("/batch/read"):
            return self._hubspot_read([entry["id"] for entry in inputs])
        if request.url.path.endswith("/batch/archive"):
            ids = {entry["id"] for entry in inputs}
            for key in [key for key, row in held.items() if row["Id"] in ids]:
                self._delete("hubspot", key)
            return 204, "", {}
        return self._hubspot_upsert(inputs)

    def _hubspot_read(self, keys: list[str]) -> Reply:
        """What is not there is named in an error; now and then something is left out without a word."""
        held = self.held["hubspot"]
        unknown = [key for key in keys if key not in held]
        rows = [
            {"id": held[key]["Id"], "properties": {"syncflow_id": key}}
            for key in keys
            if key in held and not self.trouble(0.1)
        ]
        body: dict[str, Any] = {"status": "COMPLETE", "results": rows}
        if unknown:
            missing = {
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "message": "gone",
                "context": {"ids": unknown},
            }
            body |= {"errors": [missing], "numErrors": 1}
        return (207 if unknown else 200), body, {}

    def _hubspot_upsert(self, inputs: list[dict[str, Any]]) -> Reply:
        results, errors = [], []
        for entry in inputs:
            trace = entry["objectWriteTraceId"]
            if entry["properties"].get("phone") == "refuse":
                self.refused.add(("hubspot", _number(entry["properties"]["lastname"])))
                context = {"objectWriteTraceId": [trace]}
                errors.append(
                    {"status": "error", "category": "VALIDATION_ERROR", "message": "a rule", "context": context}
                )
            elif not self.trouble(0.2):  # else it is left out
                self._upsert("hubspot", entry["id"], entry["properties"])
                results.append({"id": self.held["hubspot"][entry["id"]]["Id"], "objectWriteTraceId": trace})
        self.random.shuffle(results)
        body = {"status": "COMPLETE", "results": results, "errors": errors, "numErrors": len(errors)}
        return (207 if errors else 200), body, {}

    def _directory(self, request: httpx.Request) -> Reply:
        return self.directories["directory"].answer(request)

    def _archive(self, request: httpx.Request) -> Reply:
        return self.directories["archive"].answer(request)

    def _profile(self, request: httpx.Request) -> Reply:
        return self.profiles.answer(request)

    def _roster(self, request: httpx.Request) -> Reply:
        return self.roster.answer(request)

    def _ledger(self, request: httpx.Request) -> Reply:
        body = orjson.loads(request.content)
        key = request.headers.get("idempotency-key")
        if key is None:
            self.booked_without_key += 1
            key = f"none-{self.booked_without_key}"
        self.entries.setdefault(key, (body["ref"], body["text"]))
        return 201, {"ok": True}, {}

    def _mailing(self, request: httpx.Request) -> Reply:
        address = request.url.path.rpartition("/")[2]
        if request.method == "PUT":
            self._upsert("mailing", address, orjson.loads(request.content))
            return 200, {}, {}
        if address not in self.held["mailing"]:
            return 404, {}, {}
        self._delete("mailing", address)
        return 204, "", {}

    def _upsert(self, system: str, key: str, fields: Mapping[str, Any]) -> None:
        held = self.held[system]
        row = held.setdefault(key, {"Id": f"{system[0]}{len(self.effects)}"})
        row.update(fields)
        self.effects.append(Effect(system, key, _number(row[NAMES[system]])))

    def _delete(self, system: str, key: str) -> None:
        del self.held[system][key]
        self.effects.append(Effect(system, key, None))


def _number(name: str) -> int:
    """Which event a name is from."""
    return int(name.removeprefix("n"))


def _failed(code: str, message: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": []}]}


class _Body(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


def _answer(reply: Reply) -> Answer:
    status, body, headers = reply
    return Answer(status, body.encode() if isinstance(body, str) else orjson.dumps(body), headers)


class Network(httpx.AsyncClient):
    """The way into the world: a client without cookies, redirects and pools, of which a simulation has no use."""

    def __init__(self, world: World) -> None:
        super().__init__(transport=httpx.MockTransport(_nowhere))
        self._world = world

    async def send(self, request: httpx.Request, **_: Any) -> httpx.Response:
        await request.aread()
        answer = await self._world.answer(request)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer.content), request=request)


def _nowhere(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} goes past the world")

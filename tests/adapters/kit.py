"""What the tests of adapters share: adapters from files or text, deliveries in short, a network that is a script."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import orjson
import yaml

from syncflow.adapters.engine import SystemClient
from syncflow.adapters.http import open_client
from syncflow.compiler.wire.plans import AdoptPlan
from syncflow.compiler.wire.system import SystemPlan, plan_system
from syncflow.config.diagnostics import Diagnostic
from syncflow.config.documents import Document
from syncflow.config.files import Files
from syncflow.config.models.adapter import AdapterFile
from syncflow.config.models.routes import SystemSettings
from syncflow.events import Action, Batch, BatchResult, Delivery, Key, Record
from syncflow.testing import VirtualClock

SHIPPED = Path(__file__).parents[2] / "syncflow" / "adapters"
BASE = "http://vendor.test/base"


def read_adapter(path: Path) -> tuple[Document[AdapterFile] | None, list[Diagnostic]]:
    files = Files({}, offline=False)
    document = files.document(AdapterFile, path)
    return document, files.diagnostics


def adapter(path: Path) -> Document[AdapterFile]:
    document, diagnostics = read_adapter(path)
    assert document is not None, [f"{d.span.line}: {d.message}" for d in diagnostics]
    return document


def shipped(name: str) -> Document[AdapterFile]:
    return adapter(SHIPPED / f"{name}.yaml")


def written(text: str, directory: Path, name: str = "small") -> Document[AdapterFile]:
    path = directory / f"{name}.yaml"
    path.write_text(text)
    return adapter(path)


def plan(document: Document[AdapterFile], **settings: Any) -> SystemPlan:
    settings = {"adapter": document.model.adapter, "base_url": BASE, **settings}
    return plan_system("crm", SystemSettings.model_validate(settings), document)


def delivery(number: int, **more: Any) -> Delivery:
    """Return a delivery; ``more`` gives what the case is about."""
    key = Key(more.pop("key_name", "ext"), str(more.pop("key", f"K{number}")))
    defaults: dict[str, Any] = {
        "event": number,
        "route": "contacts",
        "system": "crm",
        "object": "Contact",
        "operation": "upsert",
        "record": Record("contacts", f"R{number}"),
        "payload": {},
        "version": (0, number),
        "read_at": 0.0,
    }
    return Delivery(id=number, key=key, **(defaults | more))


def adopting(
    system: SystemPlan, fields: Sequence[str], *, key: str = "ext", only_on_create: frozenset[str] = frozenset()
) -> SystemPlan:
    """Return a plan by which deliveries' records are looked for first, by these fields."""
    rules: dict[str, Callable[[str], str]] = dict.fromkeys((*fields, key), str.lower)
    return replace(system, adopts={"contacts": AdoptPlan(tuple(fields), rules, only_on_create)})


def batch(deliveries: Sequence[Delivery], *, name: str = "b1") -> Batch:
    first = deliveries[0]
    return Batch(name, first.system, first.object, first.operation, first.key.name, tuple(deliveries))


def simple_batch(count: int = 1, *, operation: Action = "upsert", **more: Any) -> Batch:
    return batch([delivery(number, operation=operation, **more) for number in range(1, count + 1)])


class _Drip(httpx.AsyncByteStream):
    """A body that comes a byte a second for ever."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(1)


class _Flood(httpx.AsyncByteStream):
    """A body of 100 MB."""

    def __init__(self) -> None:
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(100):
            self.sent += 10**6
            yield b" " * 10**6


class _Cut(httpx.AsyncByteStream):
    """A body that breaks off."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'[{"id": "1"'
        raise httpx.ReadError("reset")


BODIES: Mapping[str, type[httpx.AsyncByteStream]] = {"drip": _Drip, "flood": _Flood, "cut": _Cut}


@dataclass
class Network:
    """Answers requests from a script, in turn, and keeps what was asked. ``sign_in`` answers what the script does not show."""

    script: list[dict[str, Any]]
    sign_in: str = ""
    seen: list[httpx.Request] = field(default_factory=list)
    tokens: int = 0

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.sign_in and request.url.path.endswith(self.sign_in):
            self.tokens += 1
            token = {
                "access_token": f"token-{self.tokens}",
                "instance_url": BASE,
                "api_domain": BASE,
                "expires_in": 1800,
            }
            return httpx.Response(200, json=token)
        assert self.script, f"a request too many: {request.method} {request.url}"
        exchange = self.script.pop(0)
        self.seen.append(request)
        _compare(exchange.get("sent", {}), request)
        return await respond(exchange["got"])


async def respond(got: Mapping[str, Any]) -> httpx.Response:
    """Turn ``{status, headers, json | text | body, fail}`` into an answer, or its absence."""
    match got.get("fail"):
        case "refused":
            raise httpx.ConnectError("refused")
        case "lost":
            raise httpx.ReadError("reset by peer")
        case "slow":
            await asyncio.sleep(10_000)
    headers = got.get("headers", {})
    if "body" in got:
        return httpx.Response(got["status"], headers=headers, stream=BODIES[got["body"]]())
    content = orjson.dumps(got["json"]) if "json" in got else str(got.get("text", "")).encode()
    return httpx.Response(got["status"], headers=headers, content=content)


def _compare(expected: Mapping[str, Any], request: httpx.Request) -> None:
    for method in ("get", "post", "put", "patch", "delete"):
        if method in expected:
            found = request.url.raw_path.decode().partition("?")[0].removeprefix("/base")
            assert (request.method.lower(), found) == (method, expected[method])
    if "url" in expected:
        assert str(request.url) == expected["url"]
    if "text" in expected:
        packed = request.headers.get("content-encoding") == "gzip"
        assert (gzip.decompress(request.content) if packed else request.content).decode() == expected["text"]
    if "query" in expected:
        assert dict(request.url.params) == expected["query"]
    if "json" in expected:
        assert orjson.loads(request.content) == expected["json"]
    if "form" in expected:
        assert dict(parse_qsl(request.content.decode())) == expected["form"]
    for name, value in expected.get("headers", {}).items():
        assert request.headers.get(name) == value, name


@asynccontextmanager
async def client(system: SystemPlan, network: Network, *, gate: Any) -> AsyncIterator[SystemClient]:
    async with open_client(transport=network.transport) as http:
        yield SystemClient(system, http=http, gate=gate, clock=VirtualClock())


async def send(system: SystemPlan, network: Network, sent: Batch, *, gate: Any) -> BatchResult:
    async with client(system, network, gate=gate) as opened:
        return await opened.send(sent)


def load_cases(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded

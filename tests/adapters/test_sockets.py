"""The wire for real: aiohttp's pool behind httpx, servers on this machine that behave well and badly."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import OpenGate
from syncflow.adapters.http import open_client
from syncflow.clock import SystemClock
from syncflow.compiler.build import build
from syncflow.compiler.wire.system import SystemPlan
from syncflow.config.project import load_project
from syncflow.events import Batch, BatchResult, Verdict
from syncflow.mock.server import running_mock
from syncflow.mock.settings import Settings
from tests.adapters.kit import batch, delivery, plan, simple_batch, written
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
SMALL = """
adapter: small
base_url: https://small.test
objects: {Contact: {fields: objects/small_Contact.yaml}}
operations:
  create: {repeat: unsafe, request: {post: /people, json: payload}}
  upsert: {repeat: safe, request: {put: "/people/{{ key.value }}", json: payload}}
"""
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def _send(system: SystemPlan, sent: Batch) -> BatchResult:
    async with open_client() as http:
        return await SystemClient(system, http=http, gate=OpenGate(), clock=SystemClock()).send(sent)


async def _against(serve: Serve, directory: Path, sent: Batch, **settings: Any) -> BatchResult:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return await _send(plan(written(SMALL, directory), base_url=address, **settings), sent)


def _answering(answer: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    return serve


CASES: dict[str, tuple[bytes, Verdict, str]] = {
    "a good answer delivers": (ANSWER + b"Content-Length: 2\r\n\r\n{}", Verdict.DELIVERED, ""),
    "an answer shorter than it says proves nothing": (
        ANSWER + b"Content-Length: 9\r\n\r\n{}",
        Verdict.IN_DOUBT,
        "broke",
    ),
    "a connection closed without an answer leaves doubt": (b"", Verdict.IN_DOUBT, "lost"),
    "what is no HTTP leaves doubt": (b"SSH-2.0-nobody\r\n\r\n", Verdict.IN_DOUBT, "lost"),
    "a redirect is not followed": (
        b"HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
        Verdict.RETRY,
        "status 307",
    ),
}


@pytest.mark.parametrize(("answer", "verdict", "words"), CASES.values(), ids=CASES)
def test_answer_of_a_server(answer: bytes, verdict: Verdict, words: str, tmp_path: Path) -> None:
    result = asyncio.run(_against(_answering(answer), tmp_path, simple_batch(operation="create")))
    assert result.outcomes[0].verdict is verdict
    assert words in result.outcomes[0].message


def test_a_refused_connection_is_no_doubt_even_where_repeating_is_not_safe(tmp_path: Path) -> None:
    async def main() -> BatchResult:
        server = await asyncio.start_server(_answering(b""), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        system = plan(written(SMALL, tmp_path), base_url=f"http://127.0.0.1:{port}")
        return await _send(system, simple_batch(operation="create"))

    outcome = asyncio.run(main()).outcomes[0]
    assert (outcome.verdict, outcome.counts, outcome.code) == (Verdict.RETRY, False, "no_connection")


def test_a_request_on_a_kept_connection_that_is_dropped_is_not_repeated_behind_the_limiters_back(
    tmp_path: Path,
) -> None:
    requests = 0

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        for _ in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
            requests += 1
            if requests == 1:
                writer.write(ANSWER + b"Content-Length: 2\r\n\r\n{}")
                await writer.drain()
        writer.close()

    async def main() -> list[Verdict]:
        server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
        async with server, open_client() as http:
            address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            system = plan(written(SMALL, tmp_path), base_url=address)
            client = SystemClient(system, http=http, gate=OpenGate(), clock=SystemClock())
            return [(await client.send(simple_batch())).outcomes[0].verdict for _ in range(2)]

    assert asyncio.run(main()) == [Verdict.DELIVERED, Verdict.RETRY]
    assert requests == 2


def test_an_answer_that_drips_ends_with_the_time(tmp_path: Path) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER + b"Content-Length: 1000\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            writer.close()

    result = asyncio.run(_against(drip, tmp_path, simple_batch(), timeout=2.0))  # on purpose
    assert "did not end in time" in result.outcomes[0].message


def _for_ever(head: bytes, piece: bytes, written: list[int]) -> Serve:
    """Answer without end, as fast as it is taken, until the client goes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            writer.write(head)
            while not writer.is_closing():
                writer.write(piece)
                written.append(len(piece))
                await writer.drain()

    return serve


ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "interim answers": (b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 100),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100),
    "headers": (ANSWER, b"".join(b"X-%d: y\r\n" % number for number in range(1000))),
    "one header": (ANSWER + b"X-A: ", b"y" * 10_000),
    "a status line": (b"HTTP/1.1 200 ", b"O" * 10_000),
    "a body": (ANSWER + b"Content-Length: 1000000000000\r\n\r\n", b" " * 100_000),
    "chunks": (ANSWER + b"Transfer-Encoding: chunked\r\n\r\n", b"2710\r\n" + b" " * 10_000 + b"\r\n"),
    "a chunk's extension": (ANSWER + b"Transfer-Encoding: chunked\r\n\r\n1;a=", b"b" * 10_000),
}


@pytest.mark.parametrize(("head", "piece"), ENDLESS.values(), ids=ENDLESS)
def test_an_answer_without_end_ends_within_its_time_and_holds_little(head: bytes, piece: bytes, tmp_path: Path) -> None:
    written: list[int] = []
    tracemalloc.start()
    try:
        serve = _for_ever(head, piece, written)
        result = asyncio.run(_against(serve, tmp_path, simple_batch(operation="create"), timeout=1.0))  # on purpose
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.outcomes[0].verdict is Verdict.IN_DOUBT
    assert peak < 80_000_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_unpacks_to_a_gigabyte_is_not_held(encoding: str, tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    packed = b"".join(packer.compress(bytes(10_000_000)) for _ in range(100)) + packer.flush()
    head = ANSWER + f"Content-Encoding: {encoding}\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    tracemalloc.start()
    try:
        serve = _answering(head + packed)
        result = asyncio.run(_against(serve, tmp_path, simple_batch(operation="create"), timeout=PATIENCE))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.outcomes[0].verdict is Verdict.IN_DOUBT
    assert "larger than 10 MB" in result.outcomes[0].message
    assert peak < 200_000_000


def test_no_cookie_is_kept(tmp_path: Path) -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(ANSWER + b"Set-Cookie: a=b\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    asyncio.run(_against(serve, tmp_path, simple_batch(2)))
    assert len(seen) == 2
    assert not any(b"cookie" in head.lower() for head in seen)
    assert b"User-Agent: syncflow/" in seen[0] or b"user-agent: syncflow/" in seen[0]


SYSTEMS: dict[str, tuple[str, str, dict[str, str], dict[str, Any]]] = {
    "salesforce": ("Contact", "External_Id__c", {"External_Id__c": "K{}", "LastName": "L"}, {"LastName": None}),
    "hubspot": ("contacts", "syncflow_id", {"syncflow_id": "K{}", "firstname": "F"}, {"email": "none"}),
    "directory": ("people", "id", {"id": "K{}", "display_name": "D", "kind": "vendor"}, {"display_name": None}),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_shipped_or_example_adapter_and_the_mock_understand_each_other(name: str) -> None:
    object_name, key_name, fields, wrong = SYSTEMS[name]

    def sent(operation: str, *, fault: bool) -> Batch:
        payloads: list[dict[str, Any]] = [
            {field: value.format(number) for field, value in fields.items()} for number in range(1, 5)
        ]
        if fault:
            payloads[1] |= wrong
        each = {"operation": operation, "object": object_name, "key_name": key_name, "system": name}
        return batch([delivery(number, payload=payload, **each) for number, payload in enumerate(payloads, start=1)])

    with running_mock(Settings.from_env({"MOCK_RATE": "off"})) as mock:
        project = load_project(ROOT / "examples/third-system/routes.yaml", environment={"MOCK_URL": mock.url})
        system = build(project).systems[name]

        async def main() -> tuple[list[Verdict], list[Verdict]]:
            async with open_client() as http:
                speaker = SystemClient(system, http=http, gate=OpenGate(), clock=SystemClock())
                first = await speaker.send(sent("upsert", fault=True))
                second = await speaker.send(sent("delete", fault=False))
                return [o.verdict for o in first.outcomes], [o.verdict for o in second.outcomes]

        upserts, deletes = asyncio.run(main())
    good, bad, gone = Verdict.DELIVERED, Verdict.REJECTED, Verdict.ALREADY_DONE
    assert upserts == [good, bad, good, good]
    assert deletes == [good, gone, good, good]


def test_what_was_sent_is_gone_with_its_answer_and_waits_for_no_collector(tmp_path: Path) -> None:
    gc.collect()
    gc.disable()
    try:
        answer = ANSWER + b"Content-Length: 2\r\n\r\n{}"
        result = asyncio.run(_against(_answering(answer), tmp_path, simple_batch()))
        left = [value for value in gc.get_objects() if isinstance(value, httpx.Request | httpx.Response)]
    finally:
        gc.enable()
    assert result.outcomes[0].verdict is Verdict.DELIVERED
    assert not left

"""Answers that are too large, of the wrong kind or that ask for odd waits: a defined outcome within bounded memory and time."""

from __future__ import annotations

import asyncio
import tracemalloc
from pathlib import Path

import pytest

from syncflow.adapters.bodies import decode_as
from syncflow.adapters.http import MAX_ANSWER_BYTES, HttpResponse
from syncflow.events import Verdict
from tests.adapters.kit import simple_batch
from tests.adapters.test_sockets import _against, _answering


def test_an_answer_of_100_mb_is_cut_off_and_proves_nothing(tmp_path: Path) -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n")
        try:
            while sent < 100_000_000:
                writer.write(b" " * 100_000)
                await writer.drain()
                sent += 100_000
        except ConnectionError:
            pass
        finally:
            writer.close()

    tracemalloc.start()
    try:
        outcome = asyncio.run(_against(flood, tmp_path, simple_batch())).outcomes[0]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "unreadable_answer")
    assert "is larger than 10 MB" in outcome.message
    assert sent < 30_000_000, "the rest is not taken"
    assert peak < 5 * MAX_ANSWER_BYTES
    assert len(outcome.body) <= 4096


KINDS = {
    "json that calls itself html": (b"text/html", b"{}", Verdict.DELIVERED),
    "json that calls itself nothing": (b"", b"{}", Verdict.DELIVERED),
    "html that calls itself json": (b"application/json", b"<html>hello</html>", Verdict.RETRY),
    "a picture": (b"image/png", b"\x89PNG\r\n\x1a\n\x00", Verdict.RETRY),
    "json in another encoding": (b"application/json; charset=utf-16", "{}".encode("utf-16"), Verdict.RETRY),
}


@pytest.mark.parametrize(("kind", "body", "verdict"), KINDS.values(), ids=KINDS)
def test_the_body_decides_and_not_what_it_calls_itself(
    kind: bytes, body: bytes, verdict: Verdict, tmp_path: Path
) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(body), body)
    assert asyncio.run(_against(_answering(answer), tmp_path, simple_batch())).outcomes[0].verdict is verdict


WAITS = {"31536000": 86_400.0, "-1": None, "Fri, 31 Dec 2999 23:59:59 GMT": 86_400.0, "soon": None, "0": 0.0}


@pytest.mark.parametrize(("header", "seconds"), WAITS.items(), ids=WAITS)
def test_a_wait_is_at_most_a_day_and_never_negative(header: str, seconds: float | None, tmp_path: Path) -> None:
    answer = f"HTTP/1.1 503 Busy\r\nRetry-After: {header}\r\nContent-Length: 0\r\n\r\n".encode()
    outcome = asyncio.run(_against(_answering(answer), tmp_path, simple_batch())).outcomes[0]
    assert (outcome.verdict, outcome.wait_seconds) == (Verdict.RETRY, seconds)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_and_the_record_is_not_buried(status: int, tmp_path: Path) -> None:
    answer = f"HTTP/1.1 {status} Elsewhere\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n".encode()
    result = asyncio.run(_against(_answering(answer), tmp_path, simple_batch()))
    assert result.signal is not None
    assert result.signal.kind == "stop"
    assert result.outcomes[0].verdict is Verdict.RETRY


@pytest.mark.parametrize(
    "body", [b"id\n" + b"a" * 200_000, b'id\n"' + b"a" * 200_000, b"id\n1,2\x00"], ids=["long", "no end", "zero"]
)
def test_a_table_that_cannot_be_read_proves_nothing(body: bytes) -> None:
    rows, trouble = decode_as("csv", HttpResponse(200, {}, body))
    assert trouble.startswith("it is no CSV: ") if rows is None else rows == [{"id": "1"}]

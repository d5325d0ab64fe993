"""The address of this machine to which a browser comes back from a sign-in: one answer, then it is gone.

It listens on 127.0.0.1 alone, takes GET of one path, and believes only what carries the state of this sign-in.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, urlsplit

from syncflow.errors import DataError, UnavailableError

LOOPBACK = frozenset({"127.0.0.1", "localhost"})
MOST_BYTES = 16_384
SECONDS_OF_A_REQUEST = 10.0
_HEADERS = (
    "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
    "Content-Security-Policy: default-src 'none'\r\nConnection: close\r\n"
)


class CameBack(NamedTuple):
    """What the browser brought: a code, or why there is none."""

    code: str
    error: str = ""


def redirect_parts(redirect: str) -> tuple[SplitResult, int]:
    """Return a redirect address and its port.

    Raises:
        DataError: it is not http on this machine with a port.
    """
    try:
        parts = urlsplit(redirect)
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    if parts.scheme != "http" or parts.hostname not in LOOPBACK or not port or parts.query or parts.fragment:
        raise DataError(
            f"{redirect} is no address of this machine that a browser can come back to",
            hint="write http://127.0.0.1:8765/ (or localhost), as it is registered with the service",
        )
    return parts, port


@asynccontextmanager
async def listening(redirect: str, state: str) -> AsyncIterator[asyncio.Future[CameBack]]:
    """Listen for the answer to a sign-in while the block lasts.

    Raises:
        DataError: the address is none of this machine.
        UnavailableError: another program listens there.
    """
    parts, port = redirect_parts(redirect)
    came = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(SECONDS_OF_A_REQUEST):
                head = await reader.readuntil(b"\r\n\r\n")
                status, words, found = _judged(head, parts.path or "/", "" if came.done() else state)
                writer.write(f"HTTP/1.1 {status}\r\n{_HEADERS}\r\n{words}\n".encode())
                await writer.drain()
                if found is not None and not came.done():
                    came.set_result(found)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(serve, "127.0.0.1", port, limit=MOST_BYTES)
    except OSError as error:
        raise UnavailableError(
            f"cannot listen on 127.0.0.1:{port}: {error.strerror}", hint="--redirect names another address"
        ) from error
    async with server:
        yield came


def _judged(head: bytes, path: str, state: str) -> tuple[str, str, CameBack | None]:
    """Return what a request is answered, and what it brought. Without a ``state`` there has been an answer already."""
    line = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(line) != 3 or line[0] != "GET" or urlsplit(line[1]).path != path:
        return "404 Not Found", "Nothing is here.", None
    given = {name: values[0] for name, values in parse_qs(urlsplit(line[1]).query).items()}
    if not state:
        return "410 Gone", "This sign-in has ended. Start it again from the command line.", None
    if not hmac.compare_digest(given.get("state", "").encode(), state.encode()):
        return "400 Bad Request", "This answer belongs to another sign-in. Start it again from the command line.", None
    if "error" in given:
        return "200 OK", "The sign-in was refused. You can close this window.", CameBack("", given["error"])
    if not given.get("code"):
        return "400 Bad Request", "There is no code in this answer.", None
    return "200 OK", "Go back to the command line: it says whether the sign-in is complete.", CameBack(given["code"])

"""One HTTP exchange, bounded in time and size: what came back, or why nothing did, as values. The home of httpx.

Knows nothing of adapters, records or secrets; follows no redirect and keeps no cookie.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias
from urllib.request import getproxies

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

import syncflow
from syncflow.compiler.wire.system_settings import Tls
from syncflow.errors import UnavailableError

Transport: TypeAlias = httpx.AsyncBaseTransport
"""What carries requests: a test or an embedding program may bring its own."""

NO_FILES = Tls()
MAX_ANSWER_BYTES = 10_000_000
MAX_RESULTS_BYTES = 500_000_000
"""Of an answer that lists the records of a job."""
CONNECT_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 30.0
USER_AGENT = f"syncflow/{syncflow.__version__}"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request ready to be sent."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    sign: Callable[[int], tuple[tuple[str, str], ...]] | None = None
    """Makes the headers of the moment at which it is sent: seconds since the epoch."""
    signature: Callable[[HttpRequest, int], HttpRequest] | None = None
    """Signs all of it, at that moment."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A status and what could be read of the rest; ``broken`` says why the body is not whole."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    broken: str = ""
    lost: bool = False
    """Whether what is missing was lost on its way, so that asking again may bring it."""


@dataclass(frozen=True, slots=True)
class NoResponse:
    """No status came back. Unless ``sent`` is False the request may have taken effect."""

    reason: str
    sent: bool
    forbidden: bool = False
    """Whether it was not sent because the project does not allow it: waiting mends nothing."""


class _Transport(AiohttpTransport):
    """aiohttp's pool without its cookie jar, which would carry one system's cookies to another's requests.

    And without its habit of repeating a PUT or DELETE by itself when a kept connection was dropped: a repeat is a request that no limit
    has counted, and whether an operation may be repeated is the adapter's to say. aiohttp has no public switch for it.
    """

    def get_client(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=self.ssl_context, limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        session._retry_connection = False
        return session


def open_client(*, transport: Transport | None = None, tls: Tls = NO_FILES) -> httpx.AsyncClient:
    """Return a client for any number of systems: TLS verified, proxies from the environment, no redirects.

    Whom to believe: SSL_CERT_FILE or SSL_CERT_DIR, else the usual authorities, and in any case what ``tls`` names.

    The transport is aiohttp's pool behind httpx's interface, which stays fast under concurrency; a test passes its own.
    """
    if transport is not None:
        return httpx.AsyncClient(transport=transport)
    verify = _verification(tls)
    return httpx.AsyncClient(transport=_Transport(verify=verify), mounts=_proxies(verify))


def _verification(tls: Tls) -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    try:
        if tls.ca is not None:
            context.load_verify_locations(tls.ca)
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        names = ", ".join(path.name for path in tls if path is not None)
        raise UnavailableError(f"the certificates {names} cannot be used: {_reason(error)}") from error
    return context


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or "they are not PEM"


def _proxies(verify: ssl.SSLContext) -> dict[str, httpx.AsyncBaseTransport | None]:
    """Read HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY; an httpx client with a transport of its own does not."""
    found = getproxies()
    mounts: dict[str, httpx.AsyncBaseTransport | None] = {
        f"{scheme}://": _Transport(verify=verify, proxy=httpx.Proxy(found[scheme]))
        for scheme in ("http", "https", "all")
        if found.get(scheme)
    }
    if not mounts:
        return {}
    for host in filter(None, (part.strip() for part in found.get("no", "").split(","))):
        if host == "*":
            return {}
        mounts[f"all://{host}" if host[0].isdecimal() or host == "localhost" else f"all://*{host}"] = None
    return mounts


_READ: Final = httpx.ByteStream(b"")


async def exchange(
    client: httpx.AsyncClient, prepared: HttpRequest, *, timeout_seconds: float, most_bytes: int = MAX_ANSWER_BYTES
) -> HttpResponse | NoResponse:
    """Send a request and read its whole answer, within ``timeout_seconds`` and ``most_bytes``, however slowly it drips."""
    wants = () if any(name.lower() == "accept" for name, _ in prepared.headers) else (("accept", "application/json"),)
    request = httpx.Request(
        prepared.method,
        prepared.url,
        headers=[("user-agent", USER_AGENT), *wants, *prepared.headers],
        content=prepared.body,
        extensions={
            "timeout": {"connect": min(CONNECT_SECONDS, timeout_seconds), "read": None, "write": None, "pool": None}
        },
    )
    host = request.url.netloc.decode("ascii", "replace")
    deadline = asyncio.get_running_loop().time() + timeout_seconds
    try:
        async with asyncio.timeout_at(deadline):
            response = await client.send(request, stream=True, follow_redirects=False)
    except TimeoutError:
        return NoResponse(f"{host} did not answer within {timeout_seconds:g} s", sent=True)
    except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError) as error:
        return _unanswered(error, host)
    return await _read(response, host, deadline=deadline, most_bytes=most_bytes)


def with_headers(prepared: HttpRequest, headers: tuple[tuple[str, str], ...]) -> HttpRequest:
    """Return a request with further headers; what it has itself stays."""
    own = {name.lower() for name, _ in prepared.headers}
    more = tuple(header for header in headers if header[0].lower() not in own)
    return replace(prepared, headers=(*prepared.headers, *more)) if more else prepared


def ending_of(answer: HttpResponse | NoResponse) -> str:
    """Return in one word how a request ended; see ``RequestSlot``."""
    if isinstance(answer, NoResponse):
        return "no_answer" if answer.sent else "not_sent"
    if answer.broken:
        return "broken"
    return "429" if answer.status == 429 else f"{answer.status // 100}xx"


async def _read(response: httpx.Response, host: str, *, deadline: float, most_bytes: int) -> HttpResponse:
    chunks: list[bytes] = []
    size, broken, lost = 0, "", True
    try:
        async with asyncio.timeout_at(deadline):
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > most_bytes:
                    broken, lost = f"the answer of {host} is larger than {most_bytes // 10**6} MB", False
                    break
                chunks.append(chunk)
    except TimeoutError:
        broken = f"the answer of {host} did not end in time"
    except (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError):
        broken = f"the answer of {host} broke off"
    finally:
        await response.aclose()
        # The stream knows its response: a circle, in which the body that was sent would lie until the collector comes by.
        response.stream = _READ
    headers = {name.lower(): value for name, value in response.headers.items()}
    return HttpResponse(response.status_code, headers, b"".join(chunks), broken, bool(broken) and lost)


def _unanswered(error: Exception, host: str) -> NoResponse:
    if _never_sent(error):
        return NoResponse(f"cannot connect to {host} ({_why(error)})", sent=False)
    return NoResponse(f"the connection to {host} was lost before it answered", sent=True)


def _never_sent(error: Exception) -> bool:
    """Return whether a failure came before anything was sent.

    httpx-aiohttp maps every loss of a connection to ConnectTimeout; only aiohttp's own exception tells them apart.
    """
    cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    if isinstance(cause, aiohttp.ClientError):
        return isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL)
    return isinstance(
        cause,
        httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol | httpx.InvalidURL,
    )


def _why(error: Exception) -> str:
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientConnectorError):
        return cause.os_error.strerror or type(cause).__name__
    return type(error).__name__

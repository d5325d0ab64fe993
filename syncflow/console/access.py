"""Who may ask: the token, sessions that are signed with it, the name of the host, requests from other sites. Pure, but for the clock given.

A session is a cookie that holds its own end and the name of who signed in, signed with a key made of the token: the console keeps
nothing of it, and it is good for as long as the token is the same, also over a restart.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from syncflow.visible import visible

SESSION_SECONDS = 12 * 3600.0
SHORTEST_TOKEN = 16
MOST_FAILURES = 20
"""Wrong tokens within a minute; past it even the right one is refused for the rest of the minute."""
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: their name, and the text that their forms must carry (empty for a program with the token itself)."""

    by: str
    check: str = ""


@dataclass(slots=True)
class Access:
    """The token of one console."""

    token: str
    _failures: deque[float] = field(default_factory=deque)

    @property
    def cookie(self) -> str:
        """The name of the cookie: consoles on other ports of this machine share its cookies."""
        return f"syncflow_console_{self._sign('cookie')[:8]}"

    def admits(self, token: str, *, now: float) -> bool:
        """Whether this is the token; a wrong one is counted."""
        while self._failures and now - self._failures[0] > 60.0:
            self._failures.popleft()
        if len(self._failures) >= MOST_FAILURES:
            return False
        if hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode()):
            return True
        self._failures.append(now)
        return False

    def session(self, name: str, *, now: float) -> str:
        """Return the cookie of a session that begins now."""
        by = base64.urlsafe_b64encode(safe_name(name).encode()).decode()
        body = f"{int(now + SESSION_SECONDS)}.{secrets.token_hex(8)}.{by}"
        return f"{body}.{self._sign(f'session {body}')}"

    def visitor(self, cookie: str, *, now: float) -> Visitor | None:
        """Return who a session's cookie is of; None where it is none of ours or has ended."""
        body, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._sign(f"session {body}").encode()):
            return None
        until, _, by = body.split(".")
        if float(until) < now:
            return None
        return Visitor(base64.urlsafe_b64decode(by).decode(), self._sign(f"check {body}"))

    def _sign(self, text: str) -> str:
        key = hashlib.sha256(b"syncflow console\0" + self.token.encode()).digest()
        return hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def new_token() -> str:
    """Return a token that no one can guess."""
    return secrets.token_urlsafe(24)


def safe_name(name: str) -> str:
    """Return a person's name as it may be kept: short, one line."""
    return safe_text(name, _LONGEST_NAME) or "someone with the token"


def safe_text(text: str, longest: int) -> str:
    """Return a person's words as they may be kept: short, one line."""
    return visible(" ".join(text.split()))[:longest]


def same(one: str, other: str) -> bool:
    """Whether two secrets are the same, in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def host_name(host: str) -> str:
    """Return the name in a ``Host`` header, without its port; empty where it is no host."""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        port = port.removeprefix(":")
        if not bracket:
            return ""
    else:
        name, _, port = host.partition(":")
    return name.lower().rstrip(".") if not port or (port.isascii() and port.isdigit()) else ""


def is_allowed_host(host: str, allowed: Collection[str]) -> bool:
    """Whether a request's ``Host`` is one that this console is meant by: a page of another site can lead its own name to this machine."""
    name = host_name(host)
    if not name:
        return False
    if name == "localhost" or name in allowed:
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def comes_from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that another site makes this request."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host", "")


def local_path(path: str) -> str:
    """Return a path of this console to go to after signing in; its front page where the text is anything else."""
    plain = path.isascii() and path.isprintable() and "\\" not in path
    return path if plain and path.startswith("/") and not path.startswith("//") else "/"

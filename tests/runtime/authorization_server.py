"""A small authorization server (RFC 6749, RFC 7636) with one API behind it, on 127.0.0.1, for tests.

Codes and refresh tokens are good once; a code is given only for the verifier of its challenge.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit


class Accounts:
    """What the server knows, and what it was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.challenges: dict[str, tuple[str, str]] = {}
        """code → challenge and redirect"""
        self.refresh: set[str] = set()
        self.access: set[str] = set()
        self.refuses = ""
        """The error with which the next page comes back."""
        self.gives_refresh = True
        self.log: list[str] = []
        self._number = 0

    def _next(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._number}-planted"

    def page(self, query: dict[str, str]) -> str:
        """Return where the browser is sent: what a person agreed to."""
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["scope"] == "people offline"
        if self.refuses:
            return f"{query['redirect_uri']}?{urlencode({'error': self.refuses, 'state': query['state']})}"
        code = self._next("code")
        self.challenges[code] = query["code_challenge"], query["redirect_uri"]
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> tuple[int, Any]:
        if form.get("client_secret") != "app-secret":
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "authorization_code":
            challenge, redirect = self.challenges.pop(form["code"], ("", ""))
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            proven = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge
            if not proven or form["redirect_uri"] != redirect:
                return 400, {"error": "invalid_grant"}
        elif form["refresh_token"] not in self.refresh:
            return 400, {"error": "invalid_grant", "error_description": "expired or revoked"}
        else:
            self.refresh.discard(form["refresh_token"])
        access, refresh = self._next("access"), self._next("refresh")
        self.access.add(access)
        self.refresh.add(refresh)
        return 200, {"access_token": access, "expires_in": 3600} | (
            {"refresh_token": refresh} if self.gives_refresh else {}
        )


@contextmanager
def accounts() -> Iterator[Accounts]:
    """Serve until the block ends."""
    known = Accounts()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

        def _answer(self, status: int, body: Any = None, **headers: str) -> None:
            text = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(text)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        def _handle(self) -> None:
            parts = urlsplit(self.path)
            known.log.append(f"{self.command} {parts.path}")
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            if parts.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self._answer(302, Location=known.page(query))
            elif parts.path == "/token":
                self._answer(*known.token({name: values[0] for name, values in parse_qs(text).items()}))
            else:
                good = self.headers.get("Authorization", "").removeprefix("Bearer ") in known.access
                self._answer(*((200, {}) if good else (401, {"error": "invalid_token"})))

        do_GET = do_POST = do_PUT = _handle  # noqa: N815  # names of the standard library

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

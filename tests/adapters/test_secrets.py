"""A vendor that repeats our secrets: they stand in nothing that is written or logged, whichever field of its answer holds them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from syncflow.compiler.wire.secrets import hide
from syncflow.config.project import load_project
from syncflow.events import Json
from syncflow.runtime.assembly import assembled
from syncflow.runtime.ending import Ending
from syncflow.testing import ListSource
from tests.compiler.projects import changed, write_project

SECRET = (
    "s3cr3t/12345678901 ü\"'"  # made up: with a slash, a long number, a blank, a quote and a letter that is not ASCII
)
TOKEN = "t0ken-of-a-session-1234567890"  # made up
ADAPTER = changed(
    "adapters/crm.yaml",
    (
        "base_url: https://crm.example\n",
        """\
base_url: https://crm.example
auth:
  session:
    settings: {secret: secret}
    token:
      request: {post: /token, form: {secret: "{{ auth.secret }}"}}
      value: access_token
    headers: {Authorization: "Bearer {{ token.value }}"}
errors: {code: code, message: message}
""",
    ),
)
FIELDS: dict[str, Callable[[str], object]] = {
    "code": lambda secret: {"code": secret},
    "code within words": lambda secret: {"code": f"BAD {secret} KEY", "message": "no"},
    "message": lambda secret: {"code": "BAD", "message": f"the secret {secret} is no good"},
    "elsewhere": lambda secret: {"code": "BAD", "message": "no", "more": {"sent": [secret]}},
    "at the cut of what is kept": lambda secret: {"code": "BAD", "x": "x" * 4060, "sent": secret},
    "as in an address": lambda secret: {"code": "BAD", "message": f"?secret={quote(secret, safe='')}&"},
}


def run(directory: Path, answer: Callable[[httpx.Request], httpx.Response]) -> Ending:
    write_project(directory, ADAPTER)
    routes = directory / "routes.yaml"
    text = routes.read_text("utf-8")
    for system in ("sales", "support"):
        text = text.replace(
            f"{system}: {{adapter: crm}}", f'{system}: {{adapter: crm, auth: {{secret: "${{SECRET}}"}}}}'
        )
    routes.write_text(text, "utf-8")
    project = load_project(routes, environment={"SECRET": SECRET})
    item: Json = {"id": "A", "type": "lead"}
    event: dict[str, Json] = {
        "record": "contacts",
        "operation": "create",
        "timestamp": "2026-03-01T12:00:00Z",
        "item": item,
    }

    async def main() -> Ending:
        source, transport = ListSource([event]), httpx.MockTransport(answer)
        async with assembled(project, source=source, transport=transport, wait_seconds=0) as engine:
            return await engine.run()

    return asyncio.run(main())


def forms(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], secret[:8], secret[-8:]}


@pytest.mark.parametrize("body", FIELDS.values(), ids=FIELDS)
@pytest.mark.parametrize("where", ["signing in", "a record"])
def test_a_secret_that_is_repeated_is_hidden_everywhere(
    where: str, body: Callable[[str], object], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return (
                httpx.Response(400, json=body(SECRET))
                if where == "signing in"
                else httpx.Response(200, json={"access_token": TOKEN})
            )
        return httpx.Response(400, json=body(f"{SECRET} {TOKEN}"))

    with caplog.at_level(logging.DEBUG, logger="syncflow"):
        ending = run(tmp_path, answer)
    assert not ending.clean
    logged = caplog.text + "".join(str(getattr(record, "fields", "")) for record in caplog.records)
    written = b"".join(path.read_bytes() for path in (tmp_path / ".syncflow").iterdir())
    told = logged + repr(ending) + written.decode("utf-8", "replace")
    assert not [form for form in forms(SECRET) | forms(TOKEN) if form in told]


HIDDEN = [
    ("a secret-1234 b", ["secret-1234"], "a *** b"),
    ("secret-1234 and secret-12345", ["secret-1234", "secret-12345"], "*** and ***"),
    ("an apple a day", ["a"], "an apple a day"),
    ("12345 or 123456", ["12345", "123456"], "12345 or ***"),
    ("", ["secret-1234"], ""),
]


@pytest.mark.parametrize(("text", "secrets", "shown"), HIDDEN, ids=[text for text, _, _ in HIDDEN])
def test_secrets_are_hidden_whole_and_short_ones_not(text: str, secrets: list[str], shown: str) -> None:
    assert hide(text, secrets) == shown

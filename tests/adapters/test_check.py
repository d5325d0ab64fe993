"""A check of a system calls good only what lets us in, tells a refusal from silence, and tries again what passes by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from syncflow.adapters.check import CheckResult
from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import OpenGate
from syncflow.adapters.http import open_client
from syncflow.adapters.scripted import Asked, Reply, scripted
from syncflow.runtime.checking import check_system
from syncflow.testing import VirtualClock, run_virtually
from tests.adapters.kit import plan, written

TEXT = """
adapter: small
base_url: http://vendor.test
auth: {key: {settings: {key: secret}, headers: {Authorization: "Bearer {{ auth.key }}"}}}
objects: {Contact: {keys: [ext]}}
errors: {code: error, message: detail}
operations:
  upsert: {repeat: safe, request: {post: /people, json: payload}, answer: {ok: "%s"}}
outcomes:
  - {status: 200, code: invalid_auth, then: stop}
  - {status: 409, then: throttle, wait: 2s}
check: %s
"""
PLAIN = "{get: /me}"
OWN = "{get: /me, answer: {ok: data.viewer}}"
ANY = "{get: /me, answer: {body: any}}"


def checked(
    folder: Path,
    replies: list[Reply],
    *,
    ok: str = "ok",
    check: str = PLAIN,
    key: str = "planted-secret",
    text: str = TEXT,
) -> tuple[CheckResult, int]:
    """Return what a check came to, and how many requests it took; the last reply stays."""
    seen: list[Asked] = []

    def answer(asked: Asked) -> Reply:
        seen.append(asked)
        return replies[min(len(seen), len(replies)) - 1]

    async def main() -> CheckResult:
        system = plan(written(text % (ok, check), folder), auth={"key": key})
        async with open_client(transport=scripted(answer)) as http:
            client = SystemClient(system, http=http, gate=OpenGate(), clock=VirtualClock())
            return await check_system(client, clock=VirtualClock())

    return run_virtually(main()), len(seen)


def said(body: Any) -> Reply:
    return Reply(200, orjson.dumps(body).decode())


JUDGED: dict[str, tuple[dict[str, str], Reply, str, str]] = {
    "a good answer": ({}, said({"ok": True}), "good", "answered with status 200"),
    "a refusal inside a 200, by the ok of every operation": (
        {}, said({"ok": False, "error": "token_revoked"}), "refused", "refused inside a 200: token_revoked",
    ),
    "a refusal inside a 200, by an outcome": (
        {"ok": "data.id"}, said({"error": "invalid_auth", "detail": "no such key"}),
        "refused", "refused inside a 200: invalid_auth no such key (small.yaml:10)",
    ),
    "an answer that lacks what operations answer with": ({"ok": "data.id"}, said({"me": 5}), "good", "answered with status 200"),
    "errors of GraphQL": ({"ok": "!errors"}, said({"errors": [{"message": "no"}]}), "refused", "refused inside a 200"),
    "an answer that the check's own ok takes": ({"check": OWN}, said({"data": {"viewer": {"id": 1}}}), "good", "answered with status 200"),
    "an answer that the check's own ok refuses": (
        {"check": OWN}, said({"data": {"viewer": None}, "detail": "planted-secret is void"}),
        "refused", "refused inside a 200: *** is void",
    ),
    "a page for people": (
        {}, Reply(200, "<html>Sign in</html>"), "refused", "small.yaml:12: the answer proves nothing: it is HTML",
    ),
    "a page for people where any body will do": ({"check": ANY}, Reply(200, "<html>hi</html>"), "good", "answered with status 200"),
    "no rights": ({}, Reply(403, '{"error": "scope"}'), "refused", "refused with status 403: scope status 403"),
    "another place": ({}, Reply(302, "", {"location": "/login"}), "refused", "refused with status 302: status 302"),
}  # fmt: skip


@pytest.mark.parametrize(("how", "reply", "state", "message"), JUDGED.values(), ids=JUDGED)
def test_a_check_is_judged_by_what_its_answer_says(
    how: dict[str, str], reply: Reply, state: str, message: str, tmp_path: Path
) -> None:
    result, requests = checked(tmp_path, [reply], **how)
    assert (result.state, result.message) == (state, message)
    assert result.good is (state == "good")
    assert requests == 1


PASSING: dict[str, Reply] = {
    "no connection": Reply(fail="refused"),
    "trouble": Reply(503, "{}"),
    "too many": Reply(429, "{}", {"retry-after": "3"}),
    "a rule that waits": Reply(409, "{}"),
}


@pytest.mark.parametrize("reply", PASSING.values(), ids=PASSING)
def test_a_check_tries_again_what_passes_by_itself(reply: Reply, tmp_path: Path) -> None:
    assert checked(tmp_path, [reply, reply, said({"ok": True})]) == (
        CheckResult("good", "answered with status 200 (at the third try)"),
        3,
    )


def test_a_system_that_stays_silent_is_unreachable_and_not_refused(tmp_path: Path) -> None:
    result, requests = checked(tmp_path, [Reply(fail="refused")])
    assert (result.state, requests) == ("unreachable", 4)
    result, requests = checked(tmp_path, [Reply(503, "{}")])
    assert (result.state, result.message, requests) == ("unreachable", "answered with status 503", 4)


CANNOT_BE_SENT: dict[str, tuple[str, str]] = {
    "a line break": ("planted\nsecret", "holds a control character or a character that is not ASCII"),
    "a carriage return": ("planted\r", "holds a control character or a character that is not ASCII"),
    "letters of another script": ("plänted", "holds a control character or a character that is not ASCII"),
    "a NUL": ("planted\0secret", "holds a control character or a character that is not ASCII"),
    "a megabyte": ("x" * 100_000, "is 100007 characters long; 16384 are allowed"),
}
NO_READ = TEXT.replace("check: %s\n", "# %s\n")


@pytest.mark.parametrize(("key", "why"), CANNOT_BE_SENT.values(), ids=CANNOT_BE_SENT)
def test_a_token_that_cannot_be_sent_is_refused_though_the_adapter_names_nothing_to_check(
    key: str, why: str, tmp_path: Path
) -> None:
    result, requests = checked(tmp_path, [said({})], key=key, text=NO_READ)
    wanted = f"it cannot be signed in with: the value of the header Authorization {why}"
    assert (result, requests) == (CheckResult("refused", wanted), 0)


def test_a_good_token_is_not_refused_where_the_adapter_names_nothing_to_check(tmp_path: Path) -> None:
    assert checked(tmp_path, [said({})], text=NO_READ) == (
        CheckResult("good", "the adapter names nothing to check"),
        0,
    )

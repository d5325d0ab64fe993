"""What the engine does beyond one answer: tokens shared and renewed, the gate passed, secrets hidden, requests shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncflow.adapters.engine import SystemClient
from syncflow.adapters.gate import OpenGate, RequestSlot
from syncflow.adapters.http import HttpResponse, NoResponse, ending_of, open_client
from syncflow.events import Verdict
from syncflow.testing import VirtualClock, run_virtually
from tests.adapters.kit import BASE, Network, client, plan, shipped, simple_batch, written

SIGNED = """
adapter: small
base_url: https://small.test
objects: {Contact: {fields: objects/small_Contact.yaml}}
auth:
  password:
    settings: {user: text, password: secret}
    token:
      request: {post: /token, limit: sign_in, form: {password: "{{ auth.password }}"}}
    headers: {Authorization: "Bearer {{ token.value }}", X-Basic: "{{ auth.user }}:{{ auth.password }}"}
operations:
  upsert:
    repeat: safe
    request: {put: "/people/{{ key.value }}", json: payload, limit: write}
check: {get: /me}
"""
BY_ID = """
adapter: small
base_url: https://small.test
objects: {Contact: {fields: objects/small_Contact.yaml}}
operations:
  delete: {repeat: safe, request: {delete: "/people/{{ vendor_id }}"}}
"""
AUTH = {"user": "me", "password": "planted-password"}


@dataclass
class Server:
    """Answers at once; gives tokens that live for ``life`` seconds; counts."""

    life: float = 1800
    refuse_tokens: int = 0
    token_status: int = 200
    requests: list[str] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        return self.requests.count("/base/token")

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.url.path)
        await asyncio.sleep(0.1)
        if request.url.path.endswith("/token"):
            return httpx.Response(self.token_status, json={"access_token": f"t{self.tokens}", "expires_in": self.life})
        if self.refuse_tokens:
            self.refuse_tokens -= 1
            return httpx.Response(401, json={})
        return httpx.Response(200, json={})


@dataclass
class CountingGate:
    """Counts what passes, and what is inside at once."""

    passed: list[str] = field(default_factory=list)
    inside: int = 0
    slots: list[RequestSlot] = field(default_factory=list)

    @asynccontextmanager
    async def request(self, *, group: str = "") -> AsyncIterator[RequestSlot]:
        self.passed.append(group)
        self.slots.append(RequestSlot())
        self.inside += 1
        yield self.slots[-1]
        self.inside -= 1


@asynccontextmanager
async def opened(server: Server, directory: Path, *, gate: Any = None) -> AsyncIterator[SystemClient]:
    system = plan(written(SIGNED, directory), auth=AUTH)
    async with open_client(transport=httpx.MockTransport(server)) as http:
        yield SystemClient(system, http=http, gate=gate or OpenGate(), clock=VirtualClock())


def test_many_senders_share_one_sign_in(tmp_path: Path) -> None:
    server = Server()

    async def main() -> None:
        async with opened(server, tmp_path) as system:
            results = await asyncio.gather(*(system.send(simple_batch()) for _ in range(5)))
        assert all(result.outcomes[0].verdict is Verdict.DELIVERED for result in results)

    run_virtually(main())
    assert server.tokens == 1


def test_senders_whose_token_is_refused_together_renew_it_once(tmp_path: Path) -> None:
    server = Server()

    async def main() -> None:
        async with opened(server, tmp_path) as system:
            await system.send(simple_batch())
            server.refuse_tokens = 3
            results = await asyncio.gather(*(system.send(simple_batch()) for _ in range(3)))
        assert all(result.outcomes[0].verdict is Verdict.DELIVERED for result in results)

    run_virtually(main())
    assert server.tokens == 2


def test_senders_who_waited_for_a_sign_in_that_failed_do_not_try_it_again_each(tmp_path: Path) -> None:
    server = Server(token_status=503)

    async def main() -> None:
        async with opened(server, tmp_path) as system:
            results = await asyncio.gather(*(system.send(simple_batch()) for _ in range(5)))
        assert all(result.outcomes[0].verdict is Verdict.RETRY for result in results)

    run_virtually(main())
    assert server.tokens == 1


def test_a_token_is_renewed_a_little_before_its_end(tmp_path: Path) -> None:
    server = Server(life=100)

    async def main() -> None:
        async with opened(server, tmp_path) as system:
            await system.send(simple_batch())
            await asyncio.sleep(80)
            await system.send(simple_batch())
            assert server.tokens == 1
            await asyncio.sleep(10)
            await system.send(simple_batch())

    run_virtually(main())
    assert server.tokens == 2


def test_the_gate_is_told_how_each_request_ended(tmp_path: Path) -> None:
    gate = CountingGate()

    async def main() -> None:
        async with opened(Server(refuse_tokens=1), tmp_path, gate=gate) as system:
            await system.send(simple_batch())

    run_virtually(main())
    assert [slot.ended for slot in gate.slots] == ["2xx", "4xx", "2xx", "2xx"]  # a token, refused; another, taken


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (HttpResponse(200, {}, b""), "2xx"),
        (HttpResponse(302, {}, b""), "3xx"),
        (HttpResponse(404, {}, b""), "4xx"),
        (HttpResponse(429, {}, b""), "429"),
        (HttpResponse(503, {}, b""), "5xx"),
        (HttpResponse(200, {}, b"{", broken="it broke off"), "broken"),
        (NoResponse("no answer", sent=True), "no_answer"),
        (NoResponse("no connection", sent=False), "not_sent"),
    ],
)
def test_how_a_request_ended_is_one_word(answer: HttpResponse | NoResponse, word: str) -> None:
    assert ending_of(answer) == word


def test_every_request_passes_the_gate_in_its_group(tmp_path: Path) -> None:
    gate = CountingGate()

    async def main() -> None:
        async with opened(Server(), tmp_path, gate=gate) as system:
            await system.send(simple_batch(2))
            await system.check()

    run_virtually(main())
    assert gate.passed == ["sign_in", "write", "write", ""]
    assert gate.inside == 0


def test_the_gate_is_held_until_the_whole_answer_is_read(tmp_path: Path) -> None:
    gate = CountingGate()
    held: list[int] = []

    class Body(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"{"
            held.append(gate.inside)
            yield b"}"

    async def answer(request: httpx.Request) -> httpx.Response:
        token = {"access_token": "t"}
        is_token = request.url.path.endswith("/token")
        return httpx.Response(200, json=token) if is_token else httpx.Response(200, stream=Body())

    async def main() -> None:
        async with open_client(transport=httpx.MockTransport(answer)) as http:
            system = plan(written(SIGNED, tmp_path), auth=AUTH)
            await SystemClient(system, http=http, gate=gate, clock=VirtualClock()).send(simple_batch())

    run_virtually(main())
    assert held == [1]


def test_check_signs_in_and_reads(tmp_path: Path) -> None:
    server = Server()

    async def main() -> tuple[Any, Any]:
        async with opened(server, tmp_path) as system:
            good = await system.check()
            server.refuse_tokens = 9
            return good, await system.check()

    good, bad = run_virtually(main())
    assert (good.good, good.message) == (True, "answered with status 200")
    assert (bad.good, bad.message) == (False, "refused with status 401: status 401")


def test_a_plan_shows_no_secret(tmp_path: Path) -> None:
    system = plan(written(SIGNED, tmp_path), auth=AUTH)
    assert "planted" not in repr(system)
    assert "planted" not in repr(system.details)
    assert system.mask("it is planted-password!") == "it is ***!"


def test_rendering_shows_the_requests_without_secrets(tmp_path: Path) -> None:
    async def main() -> Any:
        async with opened(Server(), tmp_path) as system:
            return system.render(simple_batch(payload={"name": "Ada"}))

    (request,) = run_virtually(main())
    assert (request.method, request.url, request.body) == ("PUT", f"{BASE}/people/K1", '{"name":"Ada"}')
    assert request.headers == {
        "Content-Type": "application/json",
        "Authorization": "Bearer ***",
        "X-Basic": "me:***",
    }


def test_rendering_shows_later_steps_with_placeholders() -> None:
    system = plan(shipped("hubspot"), auth={"token": "planted-token"})
    batch = simple_batch(operation="delete", object="contacts", key_name="syncflow_id")

    async def main() -> Any:
        async with client(system, Network([]), gate=OpenGate()) as opened:
            return opened.render(batch)

    found, archived = run_virtually(main())
    assert (found.step, archived.step) == ("found", "archived")
    assert archived.body == '{"inputs":[{"id":"<id>"}]}'
    assert "planted" not in str(found) + str(archived)


IN_PARTS = """
adapter: small
base_url: https://small.test
objects: {Contact: {keys: [ext]}}
operations:
  upsert:
    repeat: safe
    batch: {records: 10}
    steps:
      - {name: found, request: {post: /find, json: {each: key.value}}, reads: true, answer: {results: {each: found, match: index}}}
      - {name: changed, records: 2, request: {post: /people, json: {each: payload}}, answer: {missing: delivered}}
"""


def test_rendering_tells_which_deliveries_are_in_each_part_of_a_batch(tmp_path: Path) -> None:
    system = plan(written(IN_PARTS, tmp_path))

    async def main() -> Any:
        async with client(system, Network([]), gate=OpenGate()) as opened:
            return opened.render(simple_batch(3))

    assert [request.deliveries for request in run_virtually(main())] == [(1, 2, 3), (1, 2), (3,)]


def test_rendering_shows_a_placeholder_for_an_id_that_only_an_earlier_delivery_could_tell(tmp_path: Path) -> None:
    system = plan(written(BY_ID, tmp_path))

    async def main() -> Any:
        async with client(system, Network([]), gate=OpenGate()) as opened:
            return opened.render(simple_batch(operation="delete"))

    (gone,) = run_virtually(main())
    assert (gone.method, gone.url) == ("DELETE", f"{BASE}/people/%3Cid%3E")


def test_a_delivery_of_another_operation_is_a_bug_of_ours(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(Server(), tmp_path) as system:
            await system.send(simple_batch(operation="delete"))

    with pytest.raises(Exception, match="no operation delete"):
        run_virtually(main())


def test_every_delivery_gets_exactly_one_outcome(tmp_path: Path) -> None:
    async def main() -> Any:
        async with opened(Server(), tmp_path) as system:
            return await system.send(simple_batch(7))

    result = run_virtually(main())
    assert [outcome.verdict for outcome in result.outcomes] == [Verdict.DELIVERED] * 7

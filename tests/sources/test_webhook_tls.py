"""A webhook that speaks TLS: its certificate, that of its senders, renewal, and handshakes that do not end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import httpx
import pytest

from syncflow.config.models.source_webhook import WebhookSource, WebhookTls
from syncflow.errors import ProjectError
from syncflow.sources.webhook import Webhook
from tests.patience import PATIENCE
from tests.sources.certificates import Authority
from tests.sources.kit import take

Use = Callable[[Webhook], Awaitable[None]]


def run(
    use: Use, folder: Path, tls: Mapping[str, str] | None = None, *, most: int | None = None, head: float = 10.0
) -> Webhook:
    settings = WebhookTls(**{"certificate": "server.pem", "key": "server-key.pem", **(tls or {})})
    declared = WebhookSource(listen="127.0.0.1:0", tls=settings)
    source = Webhook(declared, base=folder, most_connections=most, head_seconds=head)

    async def main() -> None:
        await source.open({})
        try:
            await use(source)
        finally:
            await source.close()

    asyncio.run(asyncio.wait_for(main(), PATIENCE))
    return source


async def answered(source: Webhook, context: ssl.SSLContext) -> int:
    """Post an event on a connection of its own, and return the status."""
    async with httpx.AsyncClient(verify=context, trust_env=False, timeout=PATIENCE) as client:
        sent = asyncio.ensure_future(client.post(f"https://127.0.0.1:{source.port}/events", content=b"{}"))
        taken = asyncio.ensure_future(take(source, 1))
        await asyncio.wait([sent, taken], return_when=asyncio.FIRST_COMPLETED)
        if sent.done():
            taken.cancel()
        else:
            await source.acknowledge((await taken)[0].position)
        return (await sent).status_code


async def shown(source: Webhook, context: ssl.SSLContext) -> str:
    """Return the common name of the certificate that a new connection is shown."""
    _, writer = await asyncio.open_connection("127.0.0.1", source.port, ssl=context)
    found = writer.get_extra_info("peercert")
    writer.close()
    return str(dict(pair[0] for pair in found["subject"])["commonName"])


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path)
    for name in ("server", "renewed", "client"):
        made.issue(name)
    return made


def test_events_are_taken_over_tls(authority: Authority) -> None:
    async def use(source: Webhook) -> None:
        assert await answered(source, authority.client()) == 200

    assert run(use, authority.folder).requests == {"accepted": 1}


def test_a_key_may_be_encrypted_or_stand_beside_its_certificate(authority: Authority) -> None:
    async def use(source: Webhook) -> None:
        assert await answered(source, authority.client()) == 200

    authority.issue("locked", password="planted")
    run(use, authority.folder, {"certificate": "locked.pem", "key": "locked-key.pem", "password": "planted"})
    both = (authority.folder / "server.pem").read_bytes() + (authority.folder / "server-key.pem").read_bytes()
    (authority.folder / "server-key.pem").write_bytes(both)
    run(use, authority.folder, {"certificate": "server-key.pem", "key": "server-key.pem"})


def test_only_senders_with_a_certificate_of_the_authority_are_heard(authority: Authority, tmp_path: Path) -> None:
    async def use(source: Webhook) -> None:
        assert await answered(source, authority.client("client")) == 200
        strange = authority.client()
        strange.load_cert_chain(other.folder / "client.pem", other.folder / "client-key.pem")
        for context in (authority.client(), strange):
            with pytest.raises(httpx.TransportError):
                await answered(source, context)

    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    other.issue("client")
    assert run(use, authority.folder, {"client_ca": "ca.pem"}).requests == {"accepted": 1, "no_tls": 2}


def test_a_renewed_certificate_is_shown_from_the_next_connection_on(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "syncflow")
    folder = authority.folder

    async def use(source: Webhook) -> None:
        async with httpx.AsyncClient(verify=authority.client(), trust_env=False, timeout=PATIENCE) as kept:
            url = f"https://127.0.0.1:{source.port}/"
            assert (await kept.get(url)).status_code == 404
            (folder / "server.pem").write_bytes((folder / "renewed.pem").read_bytes())
            assert await shown(source, authority.client()) == "server"  # the key is still the old one
            assert await shown(source, authority.client()) == "server"
            (folder / "server-key.pem").write_bytes((folder / "renewed-key.pem").read_bytes())
            assert await shown(source, authority.client()) == "renewed"
            assert await answered(source, authority.client()) == 200
            assert (await kept.get(url)).status_code == 404  # the connection that was open goes on

    run(use, folder)
    told = [record.message for record in caplog.records if record.message.startswith("webhook.certificate")]
    assert told == ["webhook.certificate_kept", "webhook.certificate_renewed"]


def test_handshakes_that_do_not_end_never_shut_out_a_good_request(authority: Authority) -> None:
    async def use(source: Webhook) -> None:
        slow = [await asyncio.open_connection("127.0.0.1", source.port) for _ in range(60)]
        for number in range(5):
            assert await answered(source, authority.client()) == 200, number
        for reader, _ in slow[:40]:
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1), PATIENCE)
        for _, writer in slow:
            writer.close()

    run(use, authority.folder, most=20)


def test_a_sender_that_never_says_goodbye_holds_no_descriptor(authority: Authority) -> None:
    async def use(source: Webhook) -> None:
        idle = [await asyncio.to_thread(silent, source.port, authority.client()) for _ in range(12)]
        assert await answered(source, authority.client()) == 200
        for _, raw in idle[:4]:  # let go for those that came later
            await asyncio.to_thread(until_closed, raw)
        for tls, raw in idle:
            tls.close()
            raw.close()

    run(use, authority.folder, most=8)


def silent(port: int, context: ssl.SSLContext) -> tuple[ssl.SSLSocket, socket.socket]:
    """Shake hands, and answer nothing any more; return the connection, and its bytes as they come."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    raw = plain.dup()
    raw.settimeout(PATIENCE)
    return context.wrap_socket(plain, server_hostname="127.0.0.1"), raw


def until_closed(raw: socket.socket) -> None:
    """Read until the other side has closed."""
    with contextlib.suppress(ConnectionResetError):
        while raw.recv(4096):
            pass


def test_a_handshake_that_does_not_end_is_given_up(authority: Authority) -> None:
    async def use(source: Webhook) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", source.port)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), PATIENCE)
        writer.close()

    assert run(use, authority.folder, head=0.2).requests == {"no_tls": 1}


def test_plain_http_is_not_answered_where_tls_is_spoken(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    async def use(source: Webhook) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
            with pytest.raises(httpx.TransportError):
                await client.post(f"http://127.0.0.1:{source.port}/events", content=b"{}")

    assert run(use, authority.folder).requests == {"no_tls": 1}
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


CANNOT_BE_USED = [
    pytest.param(
        {"certificate": "none.pem"}, "none.pem, server-key.pem cannot be used: No such file or directory", id="none"
    ),
    pytest.param(
        {"key": "client-key.pem"},
        "server.pem, client-key.pem cannot be used: the key is not that of the certificate",
        id="another key",
    ),
    pytest.param({"certificate": "folder.pem"}, "folder.pem is a directory, expected a file (PEM)", id="a folder"),
    pytest.param(
        {"client_ca": "text.pem"},
        "server.pem, server-key.pem, text.pem cannot be used: NO_CERTIFICATE_OR_CRL_FOUND",
        id="text",
    ),
]


@pytest.mark.parametrize(("tls", "message"), CANNOT_BE_USED)
def test_files_that_cannot_be_used_are_told_before_anything_listens(
    authority: Authority, tls: dict[str, str], message: str
) -> None:
    async def use(source: Webhook) -> None:
        raise AssertionError("it must not open")

    (authority.folder / "text.pem").write_text("no certificate")
    (authority.folder / "folder.pem").mkdir()
    with pytest.raises(ProjectError) as caught:
        run(use, authority.folder, tls)
    assert caught.value.message == f"source.webhook.tls: {message}"

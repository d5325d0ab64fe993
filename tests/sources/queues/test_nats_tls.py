"""A stream of NATS over TLS: the authority is checked, and a certificate is shown where the server asks for one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest

from syncflow.clock import SystemClock
from syncflow.config.models.source_nats import NatsSource
from syncflow.errors import SyncflowError
from syncflow.sources.queues.nats import Nats
from syncflow.sources.queues.queue import Queue
from tests.patience import PATIENCE
from tests.servers.nats import Server, running
from tests.sources.certificates import Authority

SECURE = """
jetstream {{{{store_dir: '{{folder}}/data'}}}}
tls {{{{cert_file: '{place}/server.pem', key_file: '{place}/server-key.pem', ca_file: '{place}/ca.pem', verify: true}}}}
authorization {{{{users: [{{{{user: sync, password: secret-word}}}}]}}}}
"""


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    folder = tmp_path_factory.mktemp("certificates")
    ours = Authority(folder)
    ours.issue("server")
    ours.issue("client")

    async def fill(server: Server) -> None:
        address = server.url.replace("nats://", "tls://sync:secret-word@")
        client = await nats.connect(address, tls=ours.client("client"))
        await client.jetstream().add_stream(name="CRM", subjects=["crm.>"])
        await client.jetstream().publish("crm.contacts", b'{"n": 1}')
        await client.close()

    with running(SECURE.format(place=folder)) as server:
        asyncio.run(fill(server))
        yield server, folder


def queue(server: Server, folder: Path, **names: str) -> Queue:
    address = server.url.replace("nats://", "tls://")
    tls = {name: str(folder / file) for name, file in names.items()}
    words = {"servers": address, "stream": "CRM", "user": "sync", "password": "secret-word", "tls": tls}
    broker = Nats(NatsSource.model_validate(words), base=Path(), clock=SystemClock())
    return Queue(broker, max_event=1000, clock=SystemClock(), once=False)


def test_a_certificate_of_the_authority_is_trusted_and_ours_is_shown(secured: tuple[Server, Path]) -> None:
    async def main() -> None:
        source = queue(*secured, ca="ca.pem", certificate="client.pem", key="client-key.pem")
        await source.open({})
        (raw,) = await asyncio.wait_for(source.read(most=10), timeout=PATIENCE)
        assert json.loads(raw.body) == {"n": 1}
        await source.close()

    asyncio.run(main())


REFUSED = {
    "an authority that is not named": (
        {"certificate": "client.pem", "key": "client-key.pem"},
        "the certificate of the server of NATS is not believed: unable to get local issuer certificate",
        "name its authority: `tls: {ca: FILE}`",
    ),
    "no certificate of ours": (
        {"ca": "ca.pem"},
        "NATS ended the connection, or refuses TLS",
        "a server that asks for a certificate needs `tls: {certificate, key}`",
    ),
}


@pytest.mark.parametrize(("files", "message", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_trusted_ends_at_once_with_words(
    files: dict[str, str], message: str, hint: str, secured: tuple[Server, Path]
) -> None:
    async def main() -> None:
        with pytest.raises(SyncflowError) as caught:
            await queue(secured[0], secured[1], **files).open({})
        assert (caught.value.message[: len(message)], caught.value.hint) == (message, hint)

    asyncio.run(main())

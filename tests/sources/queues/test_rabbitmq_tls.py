"""A queue of RabbitMQ over TLS: the authority is checked, and a certificate is shown where the server asks for one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aio_pika
import pytest

from syncflow.clock import SystemClock
from syncflow.config.models.source_rabbitmq import RabbitmqSource
from syncflow.errors import ProjectError, SyncflowError
from syncflow.sources.queues.queue import Queue
from syncflow.sources.queues.rabbitmq import Rabbitmq
from tests.patience import PATIENCE
from tests.ports import free_port
from tests.servers.rabbitmq import running
from tests.sources.certificates import Authority

UNKNOWN = "the certificate of RabbitMQ is not believed: self-signed certificate in certificate chain"

pytestmark = pytest.mark.timeout(PATIENCE)  # some seconds by itself; a busy machine starts the server in a minute


@dataclass
class Secured:
    url: str
    folder: Path

    def queue(self, **names: str) -> Queue:
        tls = {name: str(self.folder / file) for name, file in names.items()}
        settings = RabbitmqSource.model_validate({"url": self.url, "queue": "contacts", "tls": tls})
        return Queue(Rabbitmq(settings, base=Path()), max_event=1000, clock=SystemClock(), once=False)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder, port = tmp_path_factory.mktemp("certificates"), free_port()
    ours = Authority(folder)
    ours.issue("server")
    ours.issue("client")
    Authority(folder, "other")
    files = {"cacertfile": "ca.pem", "certfile": "server.pem", "keyfile": "server-key.pem"}
    lines = [f"ssl_options.{name} = {folder / file}" for name, file in files.items()]
    asks = ["ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = true"]

    async def fill(url: str) -> None:
        async with await aio_pika.connect(url) as connection:
            message = aio_pika.Message(b'{"n": 1}', delivery_mode=2, message_id="m1")
            await (await connection.channel()).default_exchange.publish(message, "contacts")

    with running(f"listeners.ssl.1 = 127.0.0.1:{port}", *lines, *asks) as server:
        asyncio.run(fill(server.url()))
        yield Secured(server.url(port=port).replace("amqp://", "amqps://"), folder)


def test_a_certificate_of_the_authority_is_trusted_and_ours_is_shown(secured: Secured) -> None:
    async def main() -> None:
        source = secured.queue(ca="ca.pem", certificate="client.pem", key="client-key.pem")
        await source.open({})
        (raw,) = await asyncio.wait_for(source.read(most=10), timeout=PATIENCE)
        assert json.loads(raw.body) == {"n": 1}
        await source.close()

    asyncio.run(main())


def test_a_certificate_of_another_authority_is_told(secured: Secured) -> None:
    async def main() -> None:
        source = secured.queue(ca="other.pem", certificate="client.pem", key="client-key.pem")
        with pytest.raises(ProjectError) as told:
            await source.open({})
        assert told.value.message == UNKNOWN

    asyncio.run(main())


def test_a_server_that_asks_for_a_certificate_and_gets_none_is_told(secured: Secured) -> None:
    async def main() -> None:
        with pytest.raises(SyncflowError) as told:
            await secured.queue(ca="ca.pem").open({})
        assert told.value.message == "RabbitMQ ended the connection, or refuses TLS"
        assert told.value.hint == "a server that asks for a certificate needs `tls: {certificate, key}`"

    asyncio.run(main())

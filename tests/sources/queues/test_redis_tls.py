"""A stream of Redis over TLS: the authority is checked, and a certificate is shown where the server asks for one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncflow.errors import ProjectError, SyncflowError
from tests.ports import free_port
from tests.servers.redis import running
from tests.sources.certificates import Authority
from tests.sources.queues.redis_kit import Stream, read, texts


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stream, Path, str]]:
    folder = tmp_path_factory.mktemp("certificates")
    ours, port = Authority(folder), free_port()
    ours.issue("server")
    ours.issue("client")
    Authority(folder, "other")
    files = ["--tls-ca-cert-file", "ca.pem", "--tls-cert-file", "server.pem", "--tls-key-file", "server-key.pem"]
    named = [str(folder / word) if word.endswith(".pem") else word for word in files]
    with running("--tls-port", str(port), *named) as server:
        stream = Stream(server)
        stream.add("a")
        yield stream, folder, f"rediss://127.0.0.1:{port}/0"


def tls(folder: Path, **names: str) -> dict[str, str]:
    return {name: str(folder / file) for name, file in names.items()}


def test_a_certificate_of_the_authority_is_trusted_and_ours_is_shown(secured: tuple[Stream, Path, str]) -> None:
    async def main() -> None:
        stream, folder, url = secured
        given = tls(folder, ca="ca.pem", certificate="client.pem", key="client-key.pem")
        source = stream.source(url=url, tls=given)
        await source.open({})
        assert texts(await read(source, 1)) == ["a"]
        await source.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            {"ca": "other.pem", "certificate": "client.pem", "key": "client-key.pem"},
            "the certificate of Redis is not trusted",
        ),
        ({"certificate": "client.pem", "key": "client-key.pem"}, "the certificate of Redis is not trusted"),
        (
            {"ca": "ca.pem", "certificate": "client.pem", "key": "server-key.pem"},
            "Redis refuses TLS, or this certificate",
        ),
    ],
    ids=["another authority", "that of the machine", "another key"],
)
def test_certificates_that_do_not_fit_are_told(
    secured: tuple[Stream, Path, str], names: dict[str, Any], message: str
) -> None:
    async def main() -> None:
        stream, folder, url = secured
        with pytest.raises(ProjectError) as told:
            await stream.source(url=url, tls=tls(folder, **names)).open({})
        assert told.value.message == message

    asyncio.run(main())


def test_a_server_that_asks_for_a_certificate_and_gets_none_is_told(secured: tuple[Stream, Path, str]) -> None:
    async def main() -> None:
        stream, folder, url = secured
        with pytest.raises(SyncflowError) as told:
            await stream.source(url=url, tls=tls(folder, ca="ca.pem")).open({})
        assert told.value.message == "Redis ended the connection, or refuses TLS"
        assert told.value.hint == "a server that asks for a certificate needs `tls: {certificate, key}`"

    asyncio.run(main())

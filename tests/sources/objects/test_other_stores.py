"""The source of objects with servers that speak as Google's and Azure's stores do: the same behaviour, whoever keeps the objects."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import obstore
import orjson
import pytest
from obstore.store import from_url

from syncflow.clock import SystemClock
from syncflow.config.models.routes import SourceSettings
from syncflow.config.models.source_objects import ObjectsSource
from syncflow.errors import ProjectError, UnavailableError
from syncflow.events import Raw
from syncflow.sources import Source, Surroundings, open_source
from syncflow.sources.base import Checking, Finding, reports_of
from tests.servers import azurite, fake_gcs
from tests.servers.proxy import Proxy
from tests.sources.kit import drain, read_all, take
from tests.sources.objects.kit import lines


class Elsewhere(NamedTuple):
    """A store: how its settings are written, and how its bucket ``box`` is written to."""

    url: str
    port: int
    path: str
    """Behind the port, in its address."""
    options: dict[str, str]
    put: Callable[[str, bytes], None]
    clear: Callable[[], None]

    def endpoint(self, port: int | None = None) -> str:
        return f"http://127.0.0.1:{port or self.port}{self.path}"

    def source(self, folder: Path, *, port: int | None = None, **settings: Any) -> Source:
        given = {"url": f"{self.url}exports/", "endpoint": self.endpoint(port), "options": self.options} | settings
        surroundings = Surroundings(base=folder, schemas={}, clock=SystemClock(), beside=folder / "journal")
        return open_source(SourceSettings(objects=ObjectsSource(**given)), surroundings)


@contextmanager
def google() -> Iterator[Elsewhere]:
    with fake_gcs.running() as server:
        server.create_bucket("box")
        yield Elsewhere("gs://box/", server.port, "", {"skip_signature": "true"}, server.put, server.clear)


@contextmanager
def azure() -> Iterator[Elsewhere]:
    with azurite.running() as server:
        server.create_container("box")
        options = {"account_name": azurite.ACCOUNT, "account_key": azurite.KEY}
        config: Any = {"endpoint": server.address, **options}
        writer = from_url("az://box/", config=config, client_options={"allow_http": True})

        def clear() -> None:
            for name in [entry["path"] for page in obstore.list(writer) for entry in page]:
                obstore.delete(writer, name)

        def put(name: str, content: bytes) -> None:
            obstore.put(writer, name, content)

        yield Elsewhere("az://box/", server.port, f"/{azurite.ACCOUNT}", options, put, clear)


@pytest.fixture(scope="module")
def google_store() -> Iterator[Elsewhere]:
    with google() as found:
        yield found


@pytest.fixture(scope="module")
def azure_store() -> Iterator[Elsewhere]:
    with azure() as found:
        yield found


@pytest.fixture(params=["google_store", "azure_store"], ids=["gs", "az"])
def store(request: pytest.FixtureRequest) -> Elsewhere:
    found: Elsewhere = request.getfixturevalue(request.param)
    found.clear()
    return found


def numbers(raws: list[Raw]) -> list[int]:
    return [orjson.loads(raw.body)["n"] for raw in raws]


def long_lines(count: int) -> bytes:
    return b"".join(b'{"n": %d, "text": "%s"}\n' % (number, b"x" * 480) for number in range(count))


def test_objects_are_read_whatever_their_names(store: Elsewhere, tmp_path: Path) -> None:
    for number, name in enumerate(["a.jsonl", "sub/b.jsonl", "we ird ü.jsonl"]):
        store.put(f"exports/{name}", lines(number))
    store.put("exports/packed.jsonl.gz", gzip.compress(lines(3)))
    store.put("exports/table.csv", b"n\n4\n")
    store.put("exports/empty.jsonl", b"")
    store.put("exportsx/c.jsonl", lines(9))
    raws = asyncio.run(read_all(store.source(tmp_path, match="*.jsonl*")))
    assert sorted(numbers(raws)) == [0, 1, 2, 3]
    named = {str(raw.meta["object"]) for raw in raws if raw.meta}
    assert named == {f"exports/{name}" for name in ("a.jsonl", "sub/b.jsonl", "we ird ü.jsonl", "packed.jsonl.gz")}


def test_an_object_that_was_put_anew_is_read_again(store: Elsewhere, tmp_path: Path) -> None:
    async def runs() -> None:
        store.put("exports/a.jsonl", lines(1))
        first = await read_all(store.source(tmp_path))
        journal = {"objects": first[-1].position}
        assert await read_all(store.source(tmp_path), journal) == []
        store.put("exports/a.jsonl", lines(1, 2))
        assert numbers(await read_all(store.source(tmp_path), journal)) == [1, 2]

    asyncio.run(runs())


def test_an_object_that_is_written_over_while_it_is_read_is_read_again(store: Elsewhere, tmp_path: Path) -> None:
    store.put("exports/a.jsonl", long_lines(20_000))

    async def overwritten() -> list[int]:
        source = store.source(tmp_path)
        await source.open({})
        found = list(await take(source, 10))
        await asyncio.to_thread(store.put, "exports/a.jsonl", lines(7, 8, 9))
        found += await drain(source)
        await source.close()
        reports = list(reports_of(source))
        assert [report.kind for report in reports] == ["again"], reports
        return numbers(found)[-3:]

    assert asyncio.run(overwritten()) == [7, 8, 9]


def test_a_connection_that_is_cut_in_the_middle_of_an_object_costs_nothing(
    azure_store: Elsewhere, tmp_path: Path
) -> None:
    azure_store.clear()
    azure_store.put("exports/a.jsonl", long_lines(20_000))

    async def cut() -> None:
        proxy = Proxy(azure_store.port)
        source = azure_store.source(tmp_path, port=await proxy.start())
        await source.open({})
        found = list(await take(source, 10))
        for _ in range(3):
            at = proxy.bytes
            while proxy.bytes < at + 200_000 and len(found) < 19_000:
                found += await source.read(most=500)
            proxy.cut()
        found += await drain(source)
        await source.close()
        await proxy.close()
        assert sorted(set(numbers(found))) == list(range(20_000))

    asyncio.run(cut())


def test_check_says_what_it_finds(store: Elsewhere, tmp_path: Path) -> None:
    source = store.source(tmp_path, match="*.jsonl")
    place = f"{store.url}exports"
    assert isinstance(source, Checking)
    assert asyncio.run(source.check()) == [Finding(f"{place}: there is no object yet")]
    store.put("exports/a.jsonl", lines(1))
    store.put("exports/b.txt", b"")
    assert asyncio.run(source.check()) == [
        Finding(f"{place}: 1 of 2 objects match `*.jsonl`, 9 bytes"),
        Finding("a.jsonl can be read"),
    ]


def test_a_container_that_is_not_there_is_said(azure_store: Elsewhere, tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        asyncio.run(azure_store.source(tmp_path, url="az://other/exports/").open({}))
    assert caught.value.message == "az://other/exports: there is no such bucket"


def test_a_wrong_key_of_azure_is_said_in_its_own_words(azure_store: Elsewhere, tmp_path: Path) -> None:
    options = {"account_name": azurite.ACCOUNT, "account_key": "d3Jvbmc="}
    with pytest.raises(ProjectError) as caught:
        asyncio.run(azure_store.source(tmp_path, options=options).open({}))
    assert caught.value.message == "az://box/exports: access is denied"
    assert caught.value.hint == "the account needs the role Storage Blob Data Reader for the container"


@pytest.mark.parametrize("url", ["s3://box/exports/", "gs://box/exports/", "az://box/exports/"])
def test_options_of_the_client_are_taken_and_others_said(url: str, tmp_path: Path) -> None:
    def opening(**options: str) -> None:
        named = {"account_name": "account"} if url.startswith("az") else {}
        model = ObjectsSource(
            url=url, endpoint="http://127.0.0.1:1", options={"skip_signature": "true", **named, **options}
        )
        source = open_source(
            SourceSettings(objects=model), Surroundings(base=tmp_path, schemas={}, clock=SystemClock())
        )
        asyncio.run(source.open({}))

    with pytest.raises(UnavailableError):
        opening(timeout="90s", connect_timeout="60s", allow_http="true")
    with pytest.raises(ProjectError) as caught:
        opening(timeout="soon")
    assert caught.value.message == f"{url.rstrip('/')}: a value in `options` is none that the client library takes"
    for unknown in ("timeot", "http3_only", "Timeout "):
        with pytest.raises(ProjectError) as caught:
            opening(**{unknown: "true"})
        assert (
            caught.value.message == f"{url.rstrip('/')}: `options` holds a name that the client library does not know"
        )

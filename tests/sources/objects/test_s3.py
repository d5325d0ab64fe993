"""The source of objects with a server that speaks S3, with its refusals, and with a folder."""

from __future__ import annotations

import asyncio
import base64
import gzip
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import orjson
import pytest

from syncflow.clock import SystemClock
from syncflow.config.models.routes import SourceSettings
from syncflow.config.models.source_objects import ObjectsSource
from syncflow.errors import ProjectError, SyncflowError, UnavailableError
from syncflow.events import Raw
from syncflow.sources import Source, Surroundings, open_source
from syncflow.sources.base import Checking, Finding, Lag, reports_of
from syncflow.sources.objects.errors import reworded
from tests.servers import moto
from tests.servers.proxy import Proxy
from tests.sources.kit import StepClock, drain, read_all, take
from tests.sources.objects.kit import lines

SECRET = "secret-word"  # of a server that ends with the test


@pytest.fixture(scope="module")
def server() -> Iterator[moto.Moto]:
    with moto.running() as found:
        yield found


@pytest.fixture
def s3(server: moto.Moto) -> Any:
    client = boto3.client(
        "s3",
        endpoint_url=server.address,
        aws_access_key_id="reader",
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="bucket")
    for name in names_in(client):
        client.delete_object(Bucket="bucket", Key=name)
    return client


def names_in(client: Any) -> list[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="bucket")
    return [entry["Key"] for page in pages for entry in page.get("Contents", ())]


def source_at(endpoint: str, folder: Path, *, url: str = "s3://bucket/exports/", **settings: Any) -> Source:
    model = ObjectsSource(
        url=url, endpoint=endpoint, access_key="reader", secret_key=SECRET, region="us-east-1", **settings
    )
    surroundings = Surroundings(base=folder, schemas={}, clock=SystemClock(), beside=folder / "journal")
    return open_source(SourceSettings(objects=model), surroundings)


def numbers(raws: list[Raw]) -> list[int]:
    return [orjson.loads(raw.body)["n"] for raw in raws]


def long_lines(count: int) -> bytes:
    return b"".join(b'{"n": %d, "text": "%s"}\n' % (number, b"x" * 480) for number in range(count))


def in_order(raws: list[Raw]) -> list[int]:
    """Return the numbers of events by their places: what comes again is known by its place."""
    places = {raw.position[1::3]: raw for raw in raws}
    return numbers([places[place] for place in sorted(places)])


def test_objects_of_a_bucket_are_read_whatever_their_names(server: moto.Moto, s3: Any, tmp_path: Path) -> None:
    for number, name in enumerate(["a.jsonl", "sub/b.jsonl", "we ird+%20ü#?.jsonl"]):
        s3.put_object(Bucket="bucket", Key=f"exports/{name}", Body=lines(number))
    s3.put_object(Bucket="bucket", Key="exports/", Body=b"")
    s3.put_object(Bucket="bucket", Key="exports/sub/", Body=b"")
    s3.put_object(Bucket="bucket", Key="exportsx/c.jsonl", Body=lines(9))
    raws = asyncio.run(read_all(source_at(server.address, tmp_path)))
    assert sorted(numbers(raws)) == [0, 1, 2]
    named = {str(raw.meta["object"]) for raw in raws if raw.meta}
    assert named == {"exports/a.jsonl", "exports/sub/b.jsonl", "exports/we ird+%20ü#?.jsonl"}


def test_an_object_that_was_put_anew_is_read_again(server: moto.Moto, s3: Any, tmp_path: Path) -> None:
    async def runs() -> None:
        s3.put_object(Bucket="bucket", Key="exports/a.jsonl", Body=lines(1))
        first = await read_all(source_at(server.address, tmp_path))
        journal = {"objects": first[-1].position}
        assert await read_all(source_at(server.address, tmp_path), journal) == []
        s3.put_object(Bucket="bucket", Key="exports/a.jsonl", Body=lines(1, 2))
        assert numbers(await read_all(source_at(server.address, tmp_path), journal)) == [1, 2]

    asyncio.run(runs())


def test_a_connection_that_is_cut_in_the_middle_of_an_object_costs_nothing(
    server: moto.Moto, s3: Any, tmp_path: Path
) -> None:
    s3.put_object(Bucket="bucket", Key="exports/a.jsonl", Body=long_lines(20_000))

    async def cut() -> None:
        proxy = Proxy(server.port)
        source = source_at(f"http://127.0.0.1:{await proxy.start()}", tmp_path)
        await source.open({})
        found = list(await take(source, 10))
        await source.acknowledge(found[4].position)
        for _ in range(4):
            at = proxy.bytes
            while proxy.bytes < at + 200_000 and len(found) < 19_000:
                found += await source.read(most=500)
            proxy.cut()
        found += await drain(source)
        await source.close()
        await proxy.close()
        assert in_order(found) == list(range(20_000))

    asyncio.run(cut())


def test_a_server_that_is_away_for_a_while_is_waited_for(tmp_path: Path) -> None:
    with moto.running() as server:

        def fill() -> None:
            client = boto3.client(
                "s3", endpoint_url=server.address, aws_access_key_id="reader", aws_secret_access_key=SECRET,
                region_name="us-east-1",
            )  # fmt: skip
            client.create_bucket(Bucket="bucket")
            for number in range(2):
                client.put_object(Bucket="bucket", Key=f"exports/{number}.jsonl", Body=long_lines(9_000))

        async def restarted() -> None:
            proxy = Proxy(server.port)
            port = await proxy.start()
            source = source_at(f"http://127.0.0.1:{port}", tmp_path)
            await source.open({})
            found = list(await take(source, 10))
            await proxy.close()
            reading = asyncio.ensure_future(drain(source))
            while not (reports := list(reports_of(source))):
                await asyncio.sleep(0.02)
            server.stop()
            await asyncio.to_thread(server.start)
            await asyncio.to_thread(fill)
            await proxy.start(port)
            found += await reading
            reports += reports_of(source)
            await source.close()
            await proxy.close()
            assert in_order(found) == [*range(9_000)] * 2
            assert [report.kind for report in reports] == ["lost", "back"]

        fill()
        asyncio.run(restarted())


def test_a_large_object_needs_little_memory(server: moto.Moto, s3: Any, tmp_path: Path) -> None:
    line = b'{"n": 1, "text": "%s"}\n' % (b"x" * 4976)
    s3.put_object(Bucket="bucket", Key="exports/a.jsonl", Body=line * 20_000)
    s3.put_object(Bucket="bucket", Key="exports/b.jsonl.gz", Body=gzip.compress(line * 8_000, 1))

    async def measured() -> tuple[int, int]:
        source = source_at(server.address, tmp_path)
        await source.open({})
        before, count = resident_bytes(), 0
        most = 0
        while raws := await source.read(most=500):
            count += len(raws)
            if count % 1_000 < 500:
                most = max(most, resident_bytes() - before)
        await source.close()
        return count, most

    count, most = asyncio.run(measured())
    assert count == 28_000
    assert most < 60_000_000


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


# -- refusals ----------------------------------------------------------------------------------------------------------------


class Refusing(BaseHTTPRequestHandler):
    """Answers each request with the status and body of the server."""

    status, body = 403, b""

    def do_GET(self) -> None:
        server: Any = self.server
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(server.body)))
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def refusing() -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def xml(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>reader {SECRET} token=abc</Message></Error>".encode()


@pytest.mark.parametrize(
    ("status", "code", "message", "hint"),
    [
        (404, "NoSuchBucket", "there is no such bucket", "check `url`, and `endpoint` where it is given"),
        (
            403, "AccessDenied", "access is denied",
            "the key needs the right to list the bucket and to get its objects (s3:ListBucket, s3:GetObject)",
        ),
        (
            403, "InvalidAccessKeyId", "the access key is not known there",
            "check `access_key` and `secret_key`, or the variables of the environment (AWS_ACCESS_KEY_ID …)",
        ),
        (
            403, "SignatureDoesNotMatch", "the signature is refused: the secret does not belong to the key",
            "check `access_key` and `secret_key`, or the variables of the environment (AWS_ACCESS_KEY_ID …)",
        ),
        (400, "ExpiredToken", "the credentials have expired", "sign in again, or give a key that lasts"),
        (400, "AuthorizationHeaderMalformed", "the bucket is in another region", "set `region` to that of the bucket"),
        (301, "PermanentRedirect", "the bucket is in another region", "set `region` to that of the bucket"),
        (403, "RequestTimeTooSkewed", "the clock of this machine is wrong, so that signatures are refused", "set the clock"),
        (418, "Teapot", "the request is refused with status 418", "check `url`, `endpoint` and `region`"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_message_with_the_next_step_and_no_secret(
    refusing: Any, tmp_path: Path, status: int, code: str, message: str, hint: str
) -> None:
    refusing.status, refusing.body = status, xml(code)
    source = source_at(f"http://127.0.0.1:{refusing.server_port}", tmp_path)
    with pytest.raises(ProjectError) as caught:
        asyncio.run(source.open({}))
    assert (caught.value.message, caught.value.hint) == (f"s3://bucket/exports: {message}", hint)
    assert caught.value.__cause__ is None
    assert isinstance(source, Checking)
    findings = asyncio.run(source.check())
    assert findings == [Finding(f"s3://bucket/exports: {message}", hint, is_good=False)]


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (404, "ContainerNotFound", "there is no such bucket"),
        (403, "AuthenticationFailed", "signing in is refused"),
        (403, "AuthorizationFailure", "access is denied"),
    ],
)
def test_a_refusal_of_azure_is_in_the_same_words(
    refusing: Any, tmp_path: Path, status: int, code: str, message: str
) -> None:
    refusing.status, refusing.body = status, xml(code)
    model = ObjectsSource(
        url="az://container/exports/",
        endpoint=f"http://127.0.0.1:{refusing.server_port}/account",
        options={"account_name": "account", "account_key": base64.b64encode(SECRET.encode()).decode()},
    )
    source = open_source(SourceSettings(objects=model), Surroundings(base=tmp_path, schemas={}, clock=SystemClock()))
    with pytest.raises(ProjectError) as caught:
        asyncio.run(source.open({}))
    assert caught.value.message == f"az://container/exports: {message}"


def test_azure_without_the_name_of_an_account_is_said(tmp_path: Path) -> None:
    source = open_source(
        SourceSettings(objects=ObjectsSource(url="az://container/exports/")),
        Surroundings(base=tmp_path, schemas={}, clock=SystemClock()),
    )
    with pytest.raises(ProjectError) as caught:
        asyncio.run(source.open({}))
    assert caught.value.message == "az://container/exports: the name of the storage account is missing"
    assert caught.value.hint == "write options: {account_name: …}"


def test_a_server_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    source = source_at("http://127.0.0.1:1", tmp_path)
    with pytest.raises(UnavailableError) as caught:
        asyncio.run(source.open({}))
    assert caught.value.message == "s3://bucket/exports does not answer"
    assert caught.value.hint == "check `endpoint` and `region`, and the network"
    assert isinstance(source, Checking)
    (finding,) = asyncio.run(source.check())
    assert (finding.is_good, finding.is_unreachable) == (False, True)


def test_a_name_that_cannot_be_listed_is_said(server: moto.Moto, s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket="bucket", Key="exports/a//b.jsonl", Body=lines(1))
    with pytest.raises(ProjectError) as caught:
        asyncio.run(source_at(server.address, tmp_path).open({}))
    words = "an object there has a name with an empty part, `.`, `..`, a control character or none of Unicode: no other can be listed"
    assert caught.value.message == f"s3://bucket/exports: {words}"


def test_an_option_that_is_not_known_is_said_without_its_value(tmp_path: Path) -> None:
    source = source_at("http://127.0.0.1:1", tmp_path, options={"secret_word": SECRET})
    with pytest.raises(ProjectError) as caught:
        asyncio.run(source.open({}))
    assert caught.value.message == "s3://bucket/exports: `options` holds a name that the client library does not know"


def test_check_says_what_it_finds(server: moto.Moto, s3: Any, tmp_path: Path) -> None:
    source = source_at(server.address, tmp_path, match="*.jsonl")
    assert isinstance(source, Checking)
    assert asyncio.run(source.check()) == [Finding("s3://bucket/exports: there is no object yet")]
    for name in ("a.jsonl", "b.jsonl", "c.txt"):
        s3.put_object(Bucket="bucket", Key=f"exports/{name}", Body=lines(1))
    assert asyncio.run(source.check()) == [
        Finding("s3://bucket/exports: 2 of 3 objects match `*.jsonl`, 18 bytes"),
        Finding("a.jsonl can be read"),
    ]
    assert list(tmp_path.iterdir()) == []


# -- folders -----------------------------------------------------------------------------------------------------------------


def folder_source(folder: Path, url: str) -> Source:
    surroundings = Surroundings(base=folder, schemas={}, clock=StepClock(), beside=folder / "journal")
    return open_source(SourceSettings(objects=ObjectsSource(url=url, match="*.jsonl")), surroundings)


@pytest.mark.parametrize("form", ["file://exports/", "file://{folder}/exports", "file://./exports"])
def test_a_folder_is_relative_to_the_routes_file_or_absolute(form: str, tmp_path: Path) -> None:
    (tmp_path / "exports" / "sub dir").mkdir(parents=True)
    (tmp_path / "exports" / "sub dir" / "a%20ü.jsonl").write_bytes(lines(1, 2))
    raws = asyncio.run(read_all(folder_source(tmp_path, form.format(folder=tmp_path))))
    assert numbers(raws) == [1, 2]
    assert raws[0].meta is not None
    assert raws[0].meta["object"] == "sub dir/a%20ü.jsonl"


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SyncflowError) as caught:
        asyncio.run(folder_source(tmp_path, "file://exports/").open({}))
    assert caught.value.message == f"source.objects.url: there is no folder {tmp_path / 'exports'}"


def test_a_link_that_leads_to_a_folder_above_is_said(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "loop").symlink_to(tmp_path / "exports")
    with pytest.raises(ProjectError) as caught:
        asyncio.run(folder_source(tmp_path, "file://exports/").open({}))
    assert caught.value.message == "file://exports: a link in it leads to a folder above"


def test_a_file_that_may_not_be_read_is_said() -> None:
    error = reworded(PermissionError("Permission denied: /srv/exports/a.jsonl"), place="file:///srv/exports: a.jsonl")
    assert isinstance(error, ProjectError)
    assert error.message == "file:///srv/exports: a.jsonl: it may not be read"
    assert error.hint == "let the user that runs syncflow read the folder and its files"


def test_a_file_that_is_written_over_is_read_again_from_its_start(tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "a.jsonl").write_bytes(long_lines(20_000))

    async def overwritten() -> list[int]:
        source = folder_source(tmp_path, "file://exports/")
        await source.open({})
        found = list(await take(source, 10))
        (exports / "new").write_bytes(lines(7, 8, 9))
        (exports / "new").rename(exports / "a.jsonl")
        found += await drain(source)
        await source.close()
        assert [report.kind for report in reports_of(source)] == ["again"]
        assert dict(source.lag()) == {"objects": Lag(bytes=0)}  # type: ignore[attr-defined]  # it knows
        return numbers(found)[-3:]

    assert asyncio.run(overwritten()) == [7, 8, 9]

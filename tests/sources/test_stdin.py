"""Standard input: read in a thread that neither runs ahead without bound nor keeps anybody waiting."""

from __future__ import annotations

import asyncio
import io
import json
import os

import pytest

from syncflow.config.models.routes import StdinSource
from syncflow.errors import ProjectError, UnavailableError
from syncflow.sources.stdin import Stdin
from tests.patience import PATIENCE
from tests.sources.kit import bodies, read_all, take


class Counting(io.BytesIO):
    """A stream without end that counts how often it was asked."""

    asked = 0

    def read(self, size: int | None = -1) -> bytes:
        self.asked += 1
        return b"{}\n" * 1000


class Failing(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise OSError(5, "Input/output error")


def test_events_come_while_the_stream_is_still_open() -> None:
    receiving, sending = os.pipe()

    async def conversation() -> None:
        with os.fdopen(receiving, "rb") as stream:
            source = Stdin(StdinSource(), stream=stream, run="1")
            await source.open({})
            os.write(sending, b"1\n2")
            assert bodies(await take(source, 1)) == [b"1"]
            waiting = asyncio.ensure_future(source.read(most=5))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            os.write(sending, b"2\n")
            assert bodies(await take(source, 1)) == [b"22"]
            os.close(sending)
            assert list(await source.read(most=5)) == []
            await source.close()

    asyncio.run(asyncio.wait_for(conversation(), PATIENCE))


def test_the_stream_is_read_a_bounded_number_of_blocks_ahead() -> None:
    stream = Counting()

    async def slowly() -> None:
        source = Stdin(StdinSource(), stream=stream, run="1")
        await source.open({})
        await take(source, 5_000)
        await source.close()

    asyncio.run(asyncio.wait_for(slowly(), PATIENCE))
    assert stream.asked <= 5 + 5


def test_a_stream_that_fails_is_said_in_plain_words() -> None:
    with pytest.raises(UnavailableError, match=r"^standard input cannot be read: Input/output error$"):
        asyncio.run(asyncio.wait_for(read_all(Stdin(StdinSource(), stream=Failing(), run="1")), PATIENCE))


def test_a_csv_without_columns_is_said_in_plain_words() -> None:
    source = Stdin(StdinSource(format="csv"), stream=io.BytesIO(b"a,a\n"), run="1")
    with pytest.raises(ProjectError, match="standard input: the header names the column `a` twice"):
        asyncio.run(asyncio.wait_for(read_all(source), PATIENCE))


def test_the_delimiter_of_a_csv_on_standard_input_is_told() -> None:
    source = Stdin(StdinSource(format="csv", delimiter="tab"), stream=io.BytesIO(b"a,b,c\td\n1\t2\n"), run="1")
    (row,) = asyncio.run(asyncio.wait_for(read_all(source), PATIENCE))
    assert row.body == b'{"a,b,c":"1","d":"2"}'


def test_nothing_on_standard_input_ends_at_once() -> None:
    assert asyncio.run(read_all(Stdin(StdinSource(), stream=io.BytesIO(), run="1"))) == []


WIDE = '\ufeff{"n": "Zoë"}\r\n\r\n{"n": "😀"}\r\n'


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        (WIDE.encode("utf-16-le"), StdinSource()),
        (WIDE.encode("utf-16-be"), StdinSource()),
        (WIDE.removeprefix("\ufeff").encode("utf-16-le"), StdinSource(encoding="utf-16")),
    ],
    ids=["by its mark", "by its mark, big-endian", "told"],
)
def test_json_lines_in_utf_16_are_read(content: bytes, settings: StdinSource) -> None:
    raws = asyncio.run(read_all(Stdin(settings, stream=io.BytesIO(content), run="1")))
    assert [(json.loads(raw.body), raw.position.line) for raw in raws] == [({"n": "Zoë"}, 1), ({"n": "😀"}, 3)]
    assert raws[-1].position.offset == len(content)


def test_json_lines_in_windows_1252_are_read_where_that_is_told() -> None:
    settings = StdinSource(encoding="windows-1252")
    raws = asyncio.run(read_all(Stdin(settings, stream=io.BytesIO('{"n": "Zoë"}\n'.encode("cp1252")), run="1")))
    assert [json.loads(raw.body) for raw in raws] == [{"n": "Zoë"}]

"""Bodies as they are sent: packed, in another charset, as forms; read within bounds or refused with the reason."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any
from urllib.parse import urlencode

import pytest

from syncflow.sources.webhook.contents import ContentError, json_text

JSON = b'{"name": "Zo\xc3\xab"}'
FORM = "application/x-www-form-urlencoded"


def read(body: bytes, content_type: str = "application/json", **settings: Any) -> bytes:
    return json_text(body, **{"content_type": content_type, "encoding": "", "most": 1000, "form": None, **settings})


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


READ = [
    pytest.param(JSON, "application/json", {}, JSON, id="as it is"),
    pytest.param(JSON, "", {}, JSON, id="without a type"),
    pytest.param(JSON, FORM, {}, JSON, id="JSON that calls itself a form"),
    pytest.param(gzip.compress(JSON), "application/json", {"encoding": "gzip"}, JSON, id="gzip"),
    pytest.param(
        gzip.compress(JSON[:5]) + gzip.compress(JSON[5:]), "", {"encoding": "gzip"}, JSON, id="gzip of two members"
    ),
    pytest.param(zlib.compress(JSON), "application/json", {"encoding": "Deflate"}, JSON, id="deflate"),
    pytest.param(raw_deflate(JSON), "application/json", {"encoding": "deflate"}, JSON, id="deflate without its header"),
    pytest.param(b'{"name": "Zo\xeb"}', "application/json; charset=ISO-8859-1", {}, JSON, id="latin 1"),
    pytest.param(JSON.decode().encode("utf-16"), 'application/json; charset="utf-16"', {}, JSON, id="utf-16"),
    pytest.param(urlencode({"payload": JSON}).encode(), FORM, {"form": "payload"}, JSON, id="JSON in a form"),
    pytest.param(b"a=1&b=x+y&b=%C3%AB", FORM, {}, json.dumps({"a": "1", "b": ["x y", "ë"]}).encode(), id="a form"),
    pytest.param(b"", FORM, {}, b"", id="an empty form"),
]


@pytest.mark.parametrize(("body", "content_type", "settings", "expected"), READ)
def test_a_body_is_read_as_it_was_sent(
    body: bytes, content_type: str, settings: dict[str, Any], expected: bytes
) -> None:
    assert read(body, content_type, **settings) == expected


REFUSED = [
    pytest.param(
        b"--x",
        "multipart/form-data; boundary=x",
        {},
        415,
        "multipart bodies are not read, expected JSON or a form",
        id="multipart",
    ),
    pytest.param(
        b"hello, world", "", {"encoding": "br"}, 415, "the body is encoded, expected gzip, deflate or none", id="br"
    ),
    pytest.param(
        b"hello, world", "", {"encoding": "gzip"}, 400, "the body is not gzip, as its header says", id="not gzip"
    ),
    pytest.param(
        b"hello, world",
        "",
        {"encoding": "deflate"},
        400,
        "the body is not deflate, as its header says",
        id="no deflate",
    ),
    pytest.param(gzip.compress(JSON)[:-4], "", {"encoding": "gzip"}, 400, "the packed body is cut off", id="cut off"),
    pytest.param(
        gzip.compress(JSON) + b"hello, world",
        "",
        {"encoding": "gzip"},
        400,
        "more follows the end of the packed body",
        id="more",
    ),
    pytest.param(
        gzip.compress(b"") * 200,
        "",
        {"encoding": "gzip"},
        400,
        "more follows the end of the packed body",
        id="200 members",
    ),
    pytest.param(
        gzip.compress(b" " * 600) * 2,
        "",
        {"encoding": "gzip"},
        413,
        "the body is unpacked larger than max_body, which is 1000 bytes",
        id="two members too large together",
    ),
    pytest.param(
        gzip.compress(b" " * 50_000_000),
        "",
        {"encoding": "gzip"},
        413,
        "the body is unpacked larger than max_body, which is 1000 bytes",
        id="a bomb",
    ),
    pytest.param(
        JSON, "text/json; charset=x", {}, 415, "the charset of the body is not read, expected UTF-8", id="charset"
    ),
    pytest.param(JSON, "a/b; charset=ascii", {}, 400, "the body is not ascii, as its header says", id="not ASCII"),
    pytest.param(
        b"a=1", FORM, {"form": "payload"}, 400, "the form has no field `payload`, expected one", id="no field"
    ),
    pytest.param(
        b"p=1&p=2", FORM, {"form": "p"}, 400, "the form has several fields `p`, expected one", id="several fields"
    ),
    pytest.param(
        b"a=%ff", FORM, {}, 400, "the form is not read: not UTF-8, or more than 1000 fields", id="a form not in UTF-8"
    ),
    pytest.param(
        b"a&" * 1001, FORM, {}, 400, "the form is not read: not UTF-8, or more than 1000 fields", id="many fields"
    ),
]


@pytest.mark.parametrize(("body", "content_type", "settings", "status", "message"), REFUSED)
def test_a_body_that_is_not_read_says_why_and_repeats_nothing(
    body: bytes, content_type: str, settings: dict[str, Any], status: int, message: str
) -> None:
    with pytest.raises(ContentError) as caught:
        read(body, content_type, **settings)
    assert (caught.value.status, caught.value.message) == (status, message)

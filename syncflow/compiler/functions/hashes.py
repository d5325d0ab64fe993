"""Hashes of text, in lower-case hexadecimal. The text is hashed as UTF-8, just as it is: normalise it before."""

from __future__ import annotations

import base64
import hashlib
import hmac

from syncflow.compiler.forms.encoded import read_base64
from syncflow.compiler.functions.ambient import current
from syncflow.compiler.functions.function import Group
from syncflow.compiler.functions.parameters import text
from syncflow.compiler.types.json import Text, nullable

GROUP = Group("hashes", "Hashes and ids")


def _hexadecimal(digits: int) -> Text:
    return Text(min_length=digits, max_length=digits, pattern="^[0-9a-f]*$")


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


@GROUP.function(
    "sha256",
    "Hash text with SHA-256.",
    text(),
    returns=_hexadecimal(64),
    examples=[("ada@example.com", hashlib.sha256(b"ada@example.com").hexdigest())],
)
def _sha256(value: str) -> str:
    return hashlib.sha256(_bytes(value)).hexdigest()


@GROUP.function(
    "sha512",
    "Hash text with SHA-512.",
    text(),
    returns=_hexadecimal(128),
    examples=[("ada", hashlib.sha512(b"ada").hexdigest())],
)
def _sha512(value: str) -> str:
    return hashlib.sha512(_bytes(value)).hexdigest()


@GROUP.function(
    "md5",
    "Hash text with MD5, for systems that ask for it; it hides nothing from anyone.",
    text(),
    returns=_hexadecimal(32),
    examples=[("", "d41d8cd98f00b204e9800998ecf8427e")],
)
def _md5(value: str) -> str:
    return hashlib.md5(_bytes(value), usedforsecurity=False).hexdigest()


@GROUP.function(
    "hmac_sha256",
    "Hash text with a secret (HMAC-SHA-256), so that the text cannot be guessed without the secret.",
    text(),
    text("secret", "Keep it private; take it from the environment."),
    returns=_hexadecimal(64),
    examples=[("ada@example.com", "s3cret", hmac.new(b"s3cret", b"ada@example.com", hashlib.sha256).hexdigest())],
)
def _hmac_sha256(value: str, secret: str) -> str:
    return hmac.new(_bytes(secret), _bytes(value), hashlib.sha256).hexdigest()


@GROUP.function(
    "hmac_sha256_base64",
    "Sign text with a key that is written in base64 (HMAC-SHA-256); the signature in base64. Null where the key is no base64.",
    text(),
    text("key", "In base64; take it from the environment."),
    returns=nullable(Text(min_length=44, max_length=44)),
    examples=[
        (
            "ada@example.com",
            "czNjcmV0",
            base64.b64encode(hmac.digest(b"s3cret", b"ada@example.com", "sha256")).decode(),
        ),
        ("ada@example.com", "?", None),
    ],
    unreadable=2,
)
def _hmac_sha256_base64(value: str, key: str) -> str | None:
    found = read_base64(key)
    return base64.b64encode(hmac.digest(found, _bytes(value), "sha256")).decode() if found else None


@GROUP.function(
    "uuid",
    "Make a random UUID: another one at every call, so never a key.",
    returns=Text(format="uuid"),
    examples=[("00000000-0000-4000-8000-000000000000",)],
    deterministic=False,
)
def _uuid() -> str:
    return current().uuid()

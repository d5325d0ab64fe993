"""How the senders of a webhook prove who they are: the settings of a signature, and those of known vendors by name."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self, TypeAlias, get_args

from pydantic import AfterValidator, Field, model_validator

from syncflow.config.models.public_keys import KeyAlgorithm
from syncflow.config.models.senders import WithPreset, presets_of
from syncflow.config.scalars import Duration, Text, refuse
from syncflow.patterns import lazy_pattern

SIGNED_PART: Final = lazy_pattern(r"\{\{ *([a-z_]+) *\}\}")
"""One part of the request in the template of what is signed."""

_PARTS = ("body", "timestamp", "method", "url", "path", "id")

_PRESETS: Final = presets_of("signatures")

if TYPE_CHECKING:
    SenderName: TypeAlias = str
else:
    SenderName = Literal[tuple(_PRESETS)]


def _header_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
        raise refuse("this is not the name of a header", expected="a name such as X-Signature", code="SF205")
    return name


def _tolerance(seconds: float) -> float:
    if not 1 <= seconds <= 86_400:
        raise refuse("the tolerance is out of bounds", expected="1s to 1d, such as 5m", code="SF206")
    return seconds


HeaderName = Annotated[Text, AfterValidator(_header_name)]
"""The name of an HTTP header."""

Tolerance = Annotated[Duration, AfterValidator(_tolerance)]
"""How far a time of sending may be from now."""


class WebhookSignature(WithPreset):
    """A signature of parts of the request in a header: HMAC by a shared secret, or of a private key whose public key is known."""

    presets = _PRESETS

    preset: SenderName | None = None
    """A vendor whose rule is used; keys written beside it win."""
    header: HeaderName = "X-Signature"
    """The header that holds it."""
    secret: Text | tuple[Text, ...] = Field(default=(), repr=False)
    """The secret that both sides know: ``${WEBHOOK_SECRET}``; several while it is rotated: ``[new, old]``."""
    public_key: Text | tuple[Text, ...] = ()
    """The sender's public key, for ed25519 and ecdsa_p256: PEM, base64 or hex as the sender shows it; several while it is rotated."""
    secret_encoding: Literal["text", "base64"] = "text"  # noqa: S105  # the name of an encoding
    """How secrets are written; base64 may begin with ``whsec_``."""
    algorithm: Literal["sha256", "sha512", "sha1", "ed25519", "ecdsa_p256"] = "sha256"
    """HMAC with this hash function and ``secret``; ed25519 and ecdsa_p256 want ``public_key``, and ``syncflow[signatures]``."""
    encoding: Literal["hex", "base64"] = "hex"
    """How the signature is written."""
    prefix: Text = ""
    """The text before the signature in the header: ``sha256=``."""
    separator: Text = ""
    """The text between several signatures in one header: ``,``."""
    signed: Text = "{{ body }}"
    """The text that is signed: ``{{ timestamp }}.{{ body }}``; also ``method``, ``url``, ``path`` and ``id``."""
    timestamp: HeaderName | None = None
    """The header of the time of sending; requests further from now than ``tolerance`` are refused."""
    timestamp_prefix: Text | None = None
    """The time stands in the signature's own header, after this prefix: ``t=``."""
    timestamp_unit: Literal["s", "ms"] = "s"
    """The unit of the time."""
    tolerance: Tolerance = 300.0
    """How far from now the time of sending may be."""
    id: HeaderName | None = None
    """The header of the message's id; a message that comes again is recognised by it, and it may be signed."""
    public_url: Text | None = None
    """The address before the path as the sender sees it: ``https://hooks.example.com``; needed where ``url`` is signed."""
    url_decoded: Text = ""
    """Characters that stand undecoded in a signed ``url``, though the request encodes them: ``:/?@``."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        parts = set(SIGNED_PART.findall(self.signed))
        unknown = sorted(parts.difference(_PARTS))
        if unknown:
            raise ValueError(f"signed: expected parts of {', '.join(_PARTS)}, found {', '.join(unknown)}")
        if re.search(r"\{\{|\}\}|\{%", SIGNED_PART.sub("", self.signed)):
            raise ValueError("signed: expected parts written as {{ body }}, without filters or expressions")
        if "body" not in parts:
            raise ValueError(
                "signed: expected {{ body }} in it: a signature that leaves out the body proves nothing about it"
            )
        if "timestamp" in parts and self.timestamp is None and self.timestamp_prefix is None:
            raise ValueError("signed has {{ timestamp }}: expected `timestamp`, the header that holds it")
        if "timestamp" not in parts and (self.timestamp is not None or self.timestamp_prefix is not None):
            raise ValueError(
                "signed: expected {{ timestamp }} in it: a time that is not signed protects from no replay"
            )
        if "url" in parts and not self.public_url:
            raise ValueError("signed has {{ url }}: expected `public_url`, the address that the sender posts to")
        if "id" in parts and self.id is None:
            raise ValueError("signed has {{ id }}: expected `id`, the header that holds it")
        return self

    @model_validator(mode="after")
    def _one_kind_of_key(self) -> Self:
        wanted, other = ("secret", "public_key") if self.key_algorithm is None else ("public_key", "secret")
        if wanted not in self.model_fields_set:
            raise ValueError(f"expected `{wanted}`, which {self.algorithm} is checked with")
        if other in self.model_fields_set:
            raise ValueError(f"expected no `{other}`: {self.algorithm} is checked with `{wanted}`")
        return self

    @property
    def key_algorithm(self) -> KeyAlgorithm | None:
        """The algorithm of the public key; None where both sides share a secret."""
        return next((known for known in get_args(KeyAlgorithm) if known == self.algorithm), None)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets that are accepted; empty ones never."""
        return _filled(self.secret)

    @property
    def public_keys(self) -> tuple[str, ...]:
        """The public keys of which one must have signed, as they are written."""
        return _filled(self.public_key)


def _filled(given: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(entry for entry in ((given,) if isinstance(given, str) else given) if entry)


def decoded_secret(secret: str) -> bytes:
    """Return the key that a secret of ``secret_encoding: base64`` holds.

    Raises:
        ValueError: it is not base64, or is empty.
    """
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError as error:
        raise ValueError("not base64") from error
    if not key:
        raise ValueError("an empty secret: everyone could sign with it")
    return key

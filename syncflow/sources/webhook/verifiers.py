"""Signed bytes and the signatures that came with them → whether one is right. The home of ``cryptography``, an extra.

HMAC needs the standard library only; signatures of private keys need ``syncflow[signatures]``, which is imported where one is declared.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeAlias

from syncflow.config.models.public_keys import KeyAlgorithm, decode_public_key
from syncflow.config.models.signatures import WebhookSignature, decoded_secret
from syncflow.errors import ProjectError

# ruff: noqa: PLC0415  # cryptography is imported where a public key is declared: it is an extra, and takes time

Verify: TypeAlias = Callable[[bytes, bytes], bool]
"""signature, signed bytes → whether it is right."""

_MOST_SIGNATURES = 20
_MOST_PUBLIC_SIGNATURES = 5
"""More signatures in one header are not looked at: each costs a comparison, or about 0.1 ms."""

_RAW_POINT_BYTES = 64


class Verifier(Protocol):
    """Knows the keys."""

    def is_right(self, signed: bytes, signatures: Sequence[str]) -> bool:
        """Return whether one of the signatures, as they stand in the header, is that of the bytes."""
        ...


def verifier(declared: WebhookSignature) -> Verifier:
    """Return the verifier of a declared signature.

    Raises:
        ValueError: a secret or a key is not written as it should be.
        ProjectError: a package is missing.
    """
    algorithm = declared.key_algorithm
    if algorithm is not None:
        return _PublicKeys(declared.public_keys, algorithm=algorithm, encoding=declared.encoding)
    is_text = declared.secret_encoding == "text"  # noqa: S105  # the name of an encoding
    keys = [secret.encode() if is_text else decoded_secret(secret) for secret in declared.secrets]
    return _Secrets(keys, algorithm=declared.algorithm, encoding=declared.encoding)


class _Secrets:
    """HMAC, compared in constant time."""

    def __init__(self, keys: Sequence[bytes], *, algorithm: str, encoding: Literal["hex", "base64"]) -> None:
        self._keys = tuple(keys)
        self._hash = getattr(hashlib, algorithm)
        self._encoding = encoding

    def is_right(self, signed: bytes, signatures: Sequence[str]) -> bool:
        expected = [self._digest(key, signed) for key in self._keys]
        given = [self._comparable(signature) for signature in signatures[:_MOST_SIGNATURES]]
        # Every pair is compared, so that the time says nothing about which of them was right.
        return sum(hmac.compare_digest(one, other) for one in given for other in expected) > 0

    def _comparable(self, signature: str) -> bytes:
        return (signature.lower() if self._encoding == "hex" else signature).encode()

    def _digest(self, key: bytes, signed: bytes) -> bytes:
        digest = hmac.new(key, signed, self._hash).digest()
        return base64.b64encode(digest) if self._encoding == "base64" else digest.hex().encode()


class _PublicKeys:
    """Signatures of private keys. Nothing here is secret, so that the first right one ends the search."""

    def __init__(self, keys: Sequence[str], *, algorithm: KeyAlgorithm, encoding: Literal["hex", "base64"]) -> None:
        self._encoding = encoding
        try:
            make = {"ed25519": _ed25519, "ecdsa_p256": _ecdsa_p256}[algorithm]
            self._verify = [make(decode_public_key(key, algorithm)) for key in keys]
        except ImportError as error:
            raise ProjectError(
                f"source.webhook.signature: {algorithm} needs a package that is not installed",
                hint="pip install 'syncflow[signatures]'",
            ) from error

    def is_right(self, signed: bytes, signatures: Sequence[str]) -> bool:
        given = [self._decoded(signature) for signature in signatures[:_MOST_PUBLIC_SIGNATURES]]
        return any(verify(signature, signed) for verify in self._verify for signature in given)

    def _decoded(self, signature: str) -> bytes:
        try:
            return bytes.fromhex(signature) if self._encoding == "hex" else base64.b64decode(signature, validate=True)
        except (ValueError, binascii.Error):
            return b""


def _ed25519(key: bytes) -> Verify:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public_key = Ed25519PublicKey.from_public_bytes(key)

    def verify(signature: bytes, signed: bytes) -> bool:
        try:
            public_key.verify(signature, signed)
        except InvalidSignature:
            return False
        return True

    return verify


def _ecdsa_p256(key: bytes) -> Verify:
    """With SHA-256. Signatures are DER, or the two numbers one behind the other, as IEEE P1363 writes them."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    public_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)

    def is_signature(signature: bytes, signed: bytes) -> bool:
        try:
            public_key.verify(signature, signed, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    def verify(signature: bytes, signed: bytes) -> bool:
        if is_signature(signature, signed):
            return True
        if len(signature) != _RAW_POINT_BYTES:
            return False
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        return is_signature(utils.encode_dss_signature(r, s), signed)

    return verify

"""The text of a sender's public key → its bytes. No cryptography is needed for that, so that ``validate`` can do it anywhere.

Vendors write the same key as PEM, as base64 of DER, as hex, or as base64 after ``whpk_``; which one it is, the text tells.
"""

from __future__ import annotations

import base64
from typing import Final, Literal, TypeAlias

KeyAlgorithm: TypeAlias = Literal["ed25519", "ecdsa_p256"]

_DER_HEADS: Final[dict[KeyAlgorithm, bytes]] = {
    "ed25519": bytes.fromhex("302a300506032b6570032100"),
    "ecdsa_p256": bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200"),
}
"""The bytes before the key itself in a SubjectPublicKeyInfo (RFC 8410, RFC 5480); both have one form only."""

_SIZES: Final[dict[KeyAlgorithm, int]] = {"ed25519": 32, "ecdsa_p256": 65}
_PEM_BEGIN, _PEM_END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"

_PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
"""The curve P-256: y² = x³ - 3x + b (FIPS 186-4, D.1.2.3)."""


def decode_public_key(text: str, algorithm: KeyAlgorithm) -> bytes:
    """Return the key: 32 bytes of Ed25519, or an uncompressed point of P-256 (65 bytes).

    Raises:
        ValueError: it is no such key.
    """
    held = _unpacked(text.replace("\\n", "\n").strip())
    key = held.removeprefix(_DER_HEADS[algorithm])
    if len(key) != _SIZES[algorithm] or (algorithm == "ecdsa_p256" and not _is_on_curve(key)):
        raise ValueError(f"not a public key of {algorithm}")
    return key


def _unpacked(text: str) -> bytes:
    if text.startswith(_PEM_BEGIN) and text.endswith(_PEM_END):
        text = text.removeprefix(_PEM_BEGIN).removesuffix(_PEM_END)
    text = "".join(text.removeprefix("whpk_").split())
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError("neither hex, base64 nor PEM") from error


def _is_on_curve(point: bytes) -> bool:
    x, y = int.from_bytes(point[1:33]), int.from_bytes(point[33:])
    return point[0] == 4 and max(x, y) < _PRIME and (y * y - (x * x * x - 3 * x + _B)) % _PRIME == 0

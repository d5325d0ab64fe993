"""Signed assertions of who we are (JWT). The home of PyJWT, which an extra brings: few adapters sign in this way."""

from __future__ import annotations

import secrets

from syncflow.compiler.wire.plans import JwtPlan, Root
from syncflow.errors import DataError


def sign(plan: JwtPlan, root: Root, *, now: float) -> str:
    """Return a signed assertion, good from now on for the plan's life.

    Raises:
        DataError: the library is not there, or the key is none; neither tells the key.
    """
    try:
        import jwt  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise DataError("signing in with a JWT needs a package that is not installed: syncflow[jwt]") from error
    issued = int(now)
    timed = {**plan.claims(root), "iat": issued, "exp": issued + int(plan.life_seconds)}
    headers = plan.headers(root)
    key = plan.key(root).replace("\\n", "\n")  # a variable of one line holds a PEM with its line ends written out
    try:
        return jwt.encode(timed, key, algorithm=plan.algorithm, headers=headers or None)
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise DataError(f"the key that the assertion is signed with is no {plan.algorithm} key") from error


def fake_key(algorithm: str) -> str:
    """Return an unknown key, to check an adapter by.

    Raises:
        DataError: the library is not there.
    """
    if algorithm.startswith("HS"):
        return secrets.token_hex(32)
    try:
        from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: PLC0415  # an extra
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            Encoding,
            NoEncryption,
            PrivateFormat,
        )
    except ImportError as error:
        raise DataError("making up a key to sign with needs a package that is not installed: syncflow[jwt]") from error
    key = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

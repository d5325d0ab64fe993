"""How an adapter signs in: what it wants from a system, and the token that it may ask for."""

from typing import Literal

from pydantic import Field

from syncflow.config.models.base import Model
from syncflow.config.models.request import Request
from syncflow.config.scalars import Duration, Expr, Name, Template, Text


class Jwt(Model):
    """A signed assertion of who we are; iat and exp are added. Needs the extra ``syncflow[jwt]``."""

    key: Template
    """The private key, as PEM: ``{{ auth.private_key }}``."""
    algorithm: Literal["RS256", "RS384", "RS512", "ES256", "HS256"] = "RS256"
    """How it is signed."""
    claims: dict[Text, Template] = Field(default_factory=dict)
    """What it says: iss, sub, aud …"""
    headers: dict[Text, Template] = Field(default_factory=dict)
    """What its head says besides alg and typ: kid …"""
    life: Duration = 180.0
    """How long it is good for."""


class Token(Model):
    """A sign-in whose answer is kept and used until it expires or is refused."""

    request: Request
    """What is sent to sign in."""
    jwt: Jwt | None = None
    """An assertion made for every sign-in, which the request sees as ``assertion``."""
    renews: dict[Name, Expr] = Field(default_factory=dict)
    """Settings that the answer may give anew: ``{refresh_token: refresh_token}``. They are kept beside the journal."""
    value: Expr = "access_token"
    """The token, in the answer."""
    life: Expr | None = "expires_in"
    """Seconds; null: until refused."""
    base_url: Expr | None = None
    """Where later requests go, if the answer says so."""


class SignIn(Model):
    """One way to sign in: what it wants from the system, and what every request then carries."""

    settings: dict[Name, Literal["text", "secret"]] = Field(default_factory=dict)
    """What a system must give under ``auth:``; a secret is never shown."""
    token: Token | None = None
    """A request that is answered with a token."""
    headers: dict[Text, Template] = Field(default_factory=dict)
    """Headers of every request."""
    query: dict[Text, Template] = Field(default_factory=dict)
    """Query of every request."""

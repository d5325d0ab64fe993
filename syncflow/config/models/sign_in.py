"""How an adapter signs in: what it wants from a system, and the token that it may ask for."""

from typing import Literal, Self

from pydantic import Field, model_validator

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
    body: Literal["json", "text"] = "json"
    """What the answer is: ``text`` for one that is no JSON, which ``value`` and ``life`` then read as one text."""
    value: Expr = "access_token"
    """The token, in the answer."""
    life: Expr | None = "expires_in"
    """Seconds; null: until refused."""
    base_url: Expr | None = None
    """Where later requests go, if the answer says so."""


class Consent(Model):
    """``syncflow auth SYSTEM``: a person signs in in a browser, by the authorization code grant (RFC 6749, 4.1) with PKCE (RFC 7636)."""

    page: Request
    """The page that a person opens: a GET with what the other side asks for, such as ``client_id`` and ``scope``. ``response_type``,
    ``redirect_uri``, ``state`` and the PKCE challenge are added."""
    request: Request
    """What changes the code for tokens; it also sees ``code``, ``redirect_uri`` and ``code_verifier``."""
    gives: dict[Name, Expr] = Field(default_factory=lambda: {"refresh_token": "refresh_token"}, min_length=1)
    """Settings that its answer gives, which a system need not have under ``auth:``. They are kept beside the journal."""


class AwsSignature(Model):
    """Signature Version 4 of AWS over each request, for APIs behind AWS (all but S3). Needs the extra ``syncflow[aws]``."""

    access_key: Template
    """The access key id: ``{{ auth.access_key }}``."""
    secret_key: Template
    """The secret access key."""
    session_token: Template = ""
    """The token of temporary credentials; empty: none."""
    region: Template
    """The region in which the service is: eu-central-1."""
    service: Template
    """The name of the service: execute-api, appsync …"""


class OAuth1Signature(Model):
    """A signature of OAuth 1.0a (RFC 5849) over each request. Needs the extra ``syncflow[oauth1]``."""

    consumer_key: Template
    """Who the application is."""
    consumer_secret: Template
    """Its secret."""
    token: Template = ""
    """For whom it acts; empty: for itself."""
    token_secret: Template = ""
    """The secret of that token."""
    realm: Template = ""
    """The realm, where the service wants one; NetSuite wants the account."""
    method: Literal["HMAC-SHA256", "HMAC-SHA1", "HMAC-SHA512"] = "HMAC-SHA256"
    """How it is signed."""


class SignIn(Model):
    """One way to sign in: what it wants from the system, and what every request then carries."""

    settings: dict[Name, Literal["text", "secret"]] = Field(default_factory=dict)
    """What a system must give under ``auth:``; a secret is never shown."""
    token: Token | None = None
    """A request that is answered with a token."""
    consent: Consent | None = None
    """How a person gives what ``token`` needs; for ``syncflow auth SYSTEM``."""
    headers: dict[Text, Template] = Field(default_factory=dict)
    """Headers of every request."""
    query: dict[Text, Template] = Field(default_factory=dict)
    """Query of every request."""
    aws: AwsSignature | None = None
    """Sign each request as AWS asks for."""
    oauth1: OAuth1Signature | None = None
    """Sign each request by OAuth 1.0a."""

    @model_validator(mode="after")
    def _signs_in_one_way(self) -> Self:
        if self.aws is not None and self.oauth1 is not None:
            raise ValueError("expected aws or oauth1, not both: a request has one signature")
        if self.token is not None and (self.aws is not None or self.oauth1 is not None):
            raise ValueError("expected no token beside aws or oauth1: each request is signed by itself")
        return self

    @model_validator(mode="after")
    def _consent_is_for_a_token(self) -> Self:
        if self.consent is None:
            return self
        if self.token is None:
            raise ValueError("expected token beside consent: the request that uses what a person's sign-in gives")
        if self.consent.page.method != "get":
            raise ValueError("expected get in page of consent: a person opens it in a browser")
        for name in self.consent.gives:
            if name not in self.settings:
                raise ValueError(f"expected {name} among the settings: consent gives it")
        return self

"""The source ``kafka``: messages of topics, read as a consumer group reads them."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from syncflow.config.models.base import Model, exactly_one
from syncflow.config.scalars import FilePath, Text, refuse

Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


def _start(text: str) -> str:
    if text not in {"earliest", "latest"}:
        start_time(text)
    return text


def start_time(text: str) -> datetime:
    """Return the time that `start` says; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        expected = "earliest, latest, or a time such as 2026-03-01T10:30:00+00:00"
        raise refuse("`start` is not written like this", expected=expected, code="SF205") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class KafkaRegistry(Model):
    """A schema registry, as Confluent's speaks; its messages begin with a zero byte and the number of their schema."""

    registry: Text
    """Its address: https://registry.internal:8081."""
    user: Text = ""
    """The user, or the API key, where it asks for one."""
    password: Text = Field(default="", repr=False)
    """The password, or the API secret."""
    ca: FilePath | None = None
    """Authorities (PEM) that its certificate is signed by; left out: those that the machine trusts."""


class KafkaFormat(Model):
    """How messages are written, where a registry holds their schemas."""

    model_config = ConfigDict(json_schema_extra=exactly_one("avro", "json_schema"))

    avro: KafkaRegistry | None = None
    """Avro."""
    json_schema: KafkaRegistry | None = None
    """JSON behind the number of its JSON Schema."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.avro is None) == (self.json_schema is None):
            raise ValueError("expected exactly one of avro, json_schema")
        return self

    @property
    def registry(self) -> KafkaRegistry:
        found = self.avro or self.json_schema
        assert found is not None, "one of them is given"
        return found


class KafkaSasl(Model):
    """The user that signs in to the brokers."""

    mechanism: Mechanism = "SCRAM-SHA-512"
    """How the password is proven; PLAIN sends it as it is."""
    user: Text
    """The user, or the API key."""
    password: Annotated[Text, Field(repr=False)]
    """The password, or the API secret."""


class KafkaTls(Model):
    """Connections to the brokers speak TLS."""

    ca: FilePath | None = None
    """Authorities (PEM) that their certificates are signed by; left out: those that the machine trusts."""
    certificate: FilePath | None = None
    """A certificate of our own (PEM), where the brokers ask for one."""
    key: FilePath | None = None
    """Its private key (PEM)."""
    password: Text = Field(default="", repr=False)
    """The password that the key is encrypted with."""


class KafkaSource(Model):
    """Messages of topics, each an event."""

    servers: Annotated[Text, Field(min_length=1)]
    """Brokers to ask first, with their ports: kafka-1:9092,kafka-2:9092."""
    topics: Annotated[tuple[Text, ...], Field(min_length=1)]
    """The topics to read."""
    group: Annotated[Text, Field(min_length=1)] = "syncflow"
    """The consumer group, one for each project."""
    start: Annotated[Text, AfterValidator(_start)] = "earliest"
    """Where a topic begins that neither the journal nor the group knows: earliest, latest, or a time."""
    format: Literal["json"] | KafkaFormat = "json"
    """How values are written: json, or {avro: {registry: URL}} or {json_schema: {registry: URL}}."""
    sasl: KafkaSasl | None = None
    """Sign in with a user and a password."""
    tls: KafkaTls | None = None
    """Speak TLS; `tls: {}` trusts the authorities that the machine trusts."""

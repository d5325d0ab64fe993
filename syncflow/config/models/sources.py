"""Where events come from: the settings of each source."""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar

from pydantic import ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, create_model, model_validator
from pydantic_core import PydanticCustomError

from syncflow.config.models.base import Model, elsewhere, exactly_one
from syncflow.config.models.row_settings import RowSettings
from syncflow.config.models.source_passes import PassSettings
from syncflow.config.scalars import Boolean, Count, FilePath, Integer, Name, Number, RatePer, Share, SomeSize, Text

if TYPE_CHECKING:
    from syncflow.config.models.source_kafka import KafkaSource
    from syncflow.config.models.source_mysql import MysqlSource
    from syncflow.config.models.source_nats import NatsSource
    from syncflow.config.models.source_objects import ObjectsSource
    from syncflow.config.models.source_outbox import OutboxSource
    from syncflow.config.models.source_postgres import PostgresSource
    from syncflow.config.models.source_rabbitmq import RabbitmqSource
    from syncflow.config.models.source_redis import RedisSource
    from syncflow.config.models.source_sql import SqlSource
    from syncflow.config.models.source_sqs import SqsSource
    from syncflow.config.models.source_webhook import WebhookSource
else:  # most projects have none of these
    KafkaSource = elsewhere("syncflow.config.models.source_kafka", "KafkaSource")
    MysqlSource = elsewhere("syncflow.config.models.source_mysql", "MysqlSource")
    NatsSource = elsewhere("syncflow.config.models.source_nats", "NatsSource")
    ObjectsSource = elsewhere("syncflow.config.models.source_objects", "ObjectsSource")
    OutboxSource = elsewhere("syncflow.config.models.source_outbox", "OutboxSource")
    PostgresSource = elsewhere("syncflow.config.models.source_postgres", "PostgresSource")
    RabbitmqSource = elsewhere("syncflow.config.models.source_rabbitmq", "RabbitmqSource")
    RedisSource = elsewhere("syncflow.config.models.source_redis", "RedisSource")
    SqlSource = elsewhere("syncflow.config.models.source_sql", "SqlSource")
    SqsSource = elsewhere("syncflow.config.models.source_sqs", "SqsSource")
    WebhookSource = elsewhere("syncflow.config.models.source_webhook", "WebhookSource")


class GenerateSource(Model):
    """Realistic events, made from the record's schema."""

    rate: RatePer | None = None
    """How fast; without it as fast as they are taken."""
    count: Count | None = None
    """How many in all; without it for ever."""
    seed: Integer = 1
    """The same seed makes the same events."""
    record: Name | None = None
    """Which kind; may be left out where there is only one."""
    shares: dict[Name, Number] = Field(default_factory=lambda: {"create": 0.6, "update": 0.3, "delete": 0.1})
    """How many of the events are of each operation; compared with each other, they need not add up to 1."""
    changes_of: dict[Text, Share] = Field(default_factory=dict)
    """Share of updates that change this field of the item to another value of its enum: {contact_type: 0.2}."""


class FileSource(RowSettings, PassSettings):
    """Events from a file, one a line or one a row; or with `changes: diff` the rows that differ from those of the file before."""

    path: FilePath
    """The file, relative to this one; or a pattern of several, read in the order of their names: exports/*.csv."""
    format: Literal["jsonl", "json", "csv"] | None = None
    """JSON lines, a JSON document (an array or pretty-printed values), or CSV; left out: as the file's name ends."""
    follow: Boolean = False
    """Whether to wait for more at its end; of a pattern, for further files."""
    changes: Literal["all", "diff"] = "all"
    """Which rows are handed on: all, or of an export that is written anew those that differ from the pass before."""
    max_event: SomeSize = 1_000_000
    """A longer event becomes a dead letter."""


class StdinSource(RowSettings):
    """Events from standard input."""

    format: Literal["jsonl", "json", "csv"] = "jsonl"
    """JSON lines, a JSON document, or CSV with a header."""
    max_event: SomeSize = 1_000_000
    """A longer event becomes a dead letter."""


S = TypeVar("S", bound="SourceSettings")


class SourceSettings(Model):
    """Where events come from: exactly one of these keys."""

    model_config = ConfigDict(
        json_schema_extra=exactly_one(
            "generate",
            "file",
            "stdin",
            "webhook",
            "sql",
            "postgres",
            "outbox",
            "mysql",
            "kafka",
            "objects",
            "rabbitmq",
            "nats",
            "sqs",
            "redis",
        )
    )

    generate: GenerateSource | None = None
    """Made-up events, for trying out and for tests."""
    file: FileSource | None = None
    """A file of JSON lines or CSV."""
    stdin: StdinSource | None = None
    """Standard input."""
    webhook: WebhookSource | None = None
    """HTTP requests to a port of this process."""
    sql: SqlSource | None = None
    """The rows of a query of a database."""
    postgres: PostgresSource | None = None
    """Rows of tables of PostgreSQL, and each change of them."""
    outbox: OutboxSource | None = None
    """Events that an application writes into a table of PostgreSQL."""
    mysql: MysqlSource | None = None
    """Rows of tables of MariaDB or MySQL, and each change of them."""
    kafka: KafkaSource | None = None
    """Messages of topics of Kafka."""
    objects: ObjectsSource | None = None
    """Objects of a bucket or container (S3, Google Cloud Storage, Azure), or files of a folder."""
    sqs: SqsSource | None = None
    """The messages of a queue of Amazon SQS."""
    rabbitmq: RabbitmqSource | None = None
    """The messages of a queue of RabbitMQ."""
    nats: NatsSource | None = None
    """The messages of a JetStream stream of NATS."""
    redis: RedisSource | None = None
    """The entries of a stream of Redis."""

    kinds_of_packages: ClassVar[tuple[str, ...]] = ()
    """The kinds of this very model that no file of syncflow has."""

    @model_validator(mode="wrap")
    @classmethod
    def _of_packages(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Let a package that is installed say what a key means that is none of ours."""
        try:
            extended = cls.with_keys_of_packages(data) if isinstance(data, dict) else cls
        except PydanticCustomError as error:
            at = (str((error.context or {}).get("key", "")),)
            raise ValidationError.from_exception_data(
                cls.__name__, [{"type": error, "loc": at, "input": data}]
            ) from error
        return handler(data) if extended is cls else extended.model_validate(data)

    @classmethod
    def keys_of_packages(cls) -> Iterable[str]:
        """Return the kinds of sources that installed packages bring."""
        from syncflow.config.models.packages import kinds_of_packages  # noqa: PLC0415  # most projects name no kind of a package

        return kinds_of_packages().keys() - cls.model_fields.keys()

    @classmethod
    def with_keys_of_packages(cls, keys: Iterable[str]) -> type[Self]:
        """Return the model with a field for each of these kinds that a package brings.

        Raises:
            PydanticCustomError: a package's kind cannot be used.
        """
        unknown = [key for key in keys if key not in cls.model_fields]
        kinds = sorted(set(unknown) & set(cls.keys_of_packages())) if unknown else []
        return _extended(cls, tuple(kinds)) if kinds else cls

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = self._given()
        if len(given) != 1:
            raise ValueError(f"expected exactly one of {', '.join(self._kinds())}, found {', '.join(given) or 'none'}")
        return self

    @property
    def kind(self) -> str:
        """The name of the source that is given."""
        return self._given()[0]

    @property
    def rows(self) -> FileSource | ObjectsSource | SqlSource | None:
        """How rows are read of which the source makes events itself, in passes; None of other sources."""
        if self.objects is not None:
            return self.objects if self.objects.changes == "diff" else None
        if self.file is not None:
            return self.file if self.file.changes == "diff" else None
        return self.sql

    def _given(self) -> list[str]:
        return [name for name in self._kinds() if getattr(self, name) is not None]

    @classmethod
    def _kinds(cls) -> tuple[str, ...]:
        return (*SourceSettings.model_fields, *cls.kinds_of_packages)


@cache
def _extended(model: type[S], kinds: tuple[str, ...]) -> type[S]:
    from syncflow.config.models.packages import kind_of_package  # noqa: PLC0415  # as above

    fields: dict[str, Any] = {kind: (kind_of_package(kind).model | None, None) for kind in kinds}
    extended = create_model(model.__name__, __base__=model, __doc__=model.__doc__, **fields)
    extended.kinds_of_packages = kinds
    return extended

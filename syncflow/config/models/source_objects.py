"""The source ``objects``: the objects of a bucket, or the files of a folder, read as they come."""

from typing import Annotated, Literal

from pydantic import Field

from syncflow.config.models.row_settings import RowSettings
from syncflow.config.models.source_passes import PassSettings
from syncflow.config.scalars import OptionalText, SomeSize, Text


class ObjectsSource(RowSettings, PassSettings):
    """Objects below an address, each read once, one that changes again; or with `changes: diff` the rows of the newest that differ."""

    url: Text
    """The bucket and the beginning of names: s3://bucket/exports/, gs://…, az://container/…; or a folder: file:///srv/exports/."""
    match: Annotated[Text, Field(min_length=1)] = "**"
    """Which objects: *.jsonl.gz of the last part of a name, 2026/*/people-*.csv of all of it; ** stands for any number of parts."""
    changes: Literal["new", "diff"] = "new"
    """new: the events of objects that were not read; diff: the newest object is all rows there are, and is compared with the one before."""
    format: Literal["auto", "jsonl", "json", "csv", "parquet"] = "auto"
    """JSON lines, a JSON document (an array or pretty-printed values), CSV or Parquet; auto: as each object's name and first bytes say."""
    max_event: SomeSize = 1_000_000
    """A longer event becomes a dead letter."""
    access_key: OptionalText = Field(default=None, repr=False)
    """S3: the id of the key to sign in with; left out: the usual variables of the environment, or the role of the machine."""
    secret_key: OptionalText = Field(default=None, repr=False)
    """S3: its secret."""
    region: OptionalText = None
    """S3: the region of the bucket."""
    endpoint: OptionalText = None
    """The address of a server that speaks S3 (MinIO, R2, Ceph …), Google's or Azure's protocol; left out: that of the provider."""
    options: dict[Text, Text] = Field(default_factory=dict, repr=False)
    """Further settings of the client library, by their names in obstore: {skip_signature: "true"}, {account_name: …}, {proxy_url: …}."""

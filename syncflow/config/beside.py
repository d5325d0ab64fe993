"""What comes beside the body of an event, by the kind of its source: the names that an envelope sees under ``source``.

Sources write these names (``meta`` of their events); ``validate`` knows them from here, without opening any.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

BESIDE: Final[Mapping[str, frozenset[str]]] = {
    "kafka": frozenset({"topic", "partition", "offset", "key", "time", "headers"}),
    "nats": frozenset({"subject", "stream", "sequence", "time", "headers"}),
    "objects": frozenset({"object", "time", "etag", "line", "row"}),
    "outbox": frozenset({"table", "id"}),
    "rabbitmq": frozenset(
        {
            "queue",
            "exchange",
            "routing_key",
            "headers",
            "message_id",
            "correlation_id",
            "content_type",
            "content_encoding",
            "type",
            "app_id",
            "timestamp",
        }
    ),
    "redis": frozenset({"stream", "id", "time", "fields"}),
    "sqs": frozenset({"queue", "id", "headers", "time", "receives", "group", "deduplication_id", "sequence"}),
}
"""Kind of source → names. Sources that are not listed put nothing beside a body, or events that need no envelope."""

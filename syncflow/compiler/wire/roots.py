"""What the expressions of a request see: the names that an adapter file may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from syncflow.compiler.wire.plans import Root
from syncflow.events import Delivery, Item, Json


def record_root(
    delivery: Delivery, shared: Root, *, payload: Item, vendor_id: str | None, steps: Json, position: int = 0
) -> Root:
    """Return what expressions see of one record, besides what they see of the request."""
    return {
        **shared,
        "payload": payload,
        "key": {"name": delivery.key.name, "value": delivery.key.value},
        "record": {"kind": delivery.record.kind, "id": delivery.record.id},
        "delivery": {"id": str(delivery.id), "attempt": delivery.attempts + 1},
        "vendor_id": vendor_id,
        "position": position,
        "steps": steps,
    }


def payload_as_sent(payload: Item, *, clear: Json, text_values: bool) -> Item:
    """Return the payload as this API takes it: how a field is cleared, and whether values are text."""
    if text_values:
        return {name: clear if value is None else as_text(value) for name, value in payload.items()}
    if clear is None:
        return payload
    return {name: clear if value is None else value for name, value in payload.items()}


def as_text(value: Json) -> str:
    """Return a JSON value as text: text as it is, everything else as JSON writes it."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def group_of(
    evaluate: Callable[[Json], Json] | None, options: Mapping[str, Json], *, clear: Json, text_values: bool
) -> Callable[[Delivery], str]:
    """Return the function that tells which deliveries may share a request."""
    if evaluate is None:
        return lambda _: ""
    shared: Root = {"options": dict(options)}

    def group(delivery: Delivery) -> str:
        payload = payload_as_sent(delivery.payload, clear=clear, text_values=text_values)
        root = {**shared, "object": delivery.object, "operation": delivery.operation}
        found = evaluate(record_root(delivery, root, payload=payload, vendor_id=delivery.vendor_id, steps={}))
        return as_text(found)

    return group

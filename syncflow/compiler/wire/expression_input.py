"""What the expressions of a request see: the roots that ``visible_names`` describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType, NoneType

import orjson

from syncflow.compiler.wire.plans import Root
from syncflow.events import Delivery, Item, Json


def root_of(
    delivery: Delivery, options: Item, *, payload: Item, shared: Mapping[str, Json] = MappingProxyType({})
) -> Root:
    """Return what expressions see of one record, whatever is asked; an id there that is not known is absent.

    ``delivery.unique_id`` is one that no delivery of another journal has: its number, and when it was read, to the microsecond.
    ``shared``: what they see besides, which a record's own names go before.
    """
    key, number = delivery.key, delivery.id
    root: Root = {
        **shared,
        "options": options,
        "object": delivery.object,
        "operation": delivery.operation,
        "payload": payload,
        "key": {"name": key.name, "value": key.value},
        "record": {"kind": delivery.record.kind, "id": delivery.record.id},
        "delivery": {
            "id": str(number),
            "unique_id": f"{_moment(delivery.read_at)}-{number:x}",
            "attempt": delivery.attempts + 1,
        },
        "position": 0,
        "steps": {},
    }
    if delivery.vendor_id is not None:
        root["vendor_id"] = delivery.vendor_id
    return root


@lru_cache(maxsize=64)
def _moment(seconds: float) -> str:
    """Return a time to the microsecond; the deliveries of a chunk share theirs."""
    return f"{int(seconds * 1e6):x}"


def request_root(shared: Root, records: Sequence[Root], *, alone: bool) -> Root:
    """Return what a request sees; ``alone``: it is one that carries a single record, and sees what is that record's."""
    listed: Json = list(records)
    return {**shared, **records[0], "deliveries": listed} if alone else {**shared, "deliveries": listed}


def payload_as_sent(payload: Item, *, clear: Json, text_values: bool) -> Item:
    """Return the payload as this API takes it: how a field is cleared, and whether values are text."""
    if clear is None and not text_values:
        return payload
    kinds = {*map(type, payload.values())}
    if text_values and kinds - {str}:
        return {name: clear if value is None else as_text(value) for name, value in payload.items()}
    if clear is None or NoneType not in kinds:
        return payload
    return {name: clear if value is None else value for name, value in payload.items()}


def as_text(value: Json) -> str:
    """Return a JSON value as text: text as it is, everything else as JSON writes it."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def ungrouped(_: Delivery) -> str:
    """Return the group of all deliveries where the adapter parts them into none."""
    return ""


def group_of(
    evaluate: Callable[[Json], Json] | None, options: Mapping[str, Json], *, clear: Json, text_values: bool
) -> Callable[[Delivery], str]:
    """Return the function that tells which deliveries may share a request."""
    if evaluate is None:
        return ungrouped
    own = dict(options)

    def group(delivery: Delivery) -> str:
        payload = payload_as_sent(delivery.payload, clear=clear, text_values=text_values)
        return as_text(evaluate(root_of(delivery, own, payload=payload)))

    return group

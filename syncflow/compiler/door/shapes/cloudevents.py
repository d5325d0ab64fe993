"""``cloudevents``: CloudEvents 1.0. Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md, and its bindings of
HTTP (``ce-type``) and Kafka (``ce_type``).

Structured: attributes and ``data`` in the body. Binary: attributes in the headers, the body is the data; headers are those of the
message, or ``request.headers`` of a webhook that names them as data.

``source`` and ``id`` together are the event's id. The operation is what ``envelope.operations`` says of the type, or the last word of the
type: ``com.example.contact.created``. The kind is what ``envelope.records`` says of the type, of what stands before its last word, or of
the last part of that (``contact``); else the only one.
"""

from __future__ import annotations

from syncflow.compiler.door.shapes.parts import Kinds, NotAnEventError, Shape, Shaped, root, text_at
from syncflow.compiler.values import Fault
from syncflow.config.models.routes import Envelope
from syncflow.events import Item, Json

_WORDS = {
    "created": "create", "create": "create", "inserted": "create", "added": "create",
    "updated": "update", "update": "update", "changed": "update", "modified": "update",
    "deleted": "delete", "delete": "delete", "removed": "delete",
}  # fmt: skip
_PREFIXES = ("ce_", "ce-")


def cloudevents(settings: Envelope, kinds: Kinds) -> Shape:
    """Return the reader of CloudEvents."""

    def read(body: Item | None, meta: Item) -> Shaped:
        attributes, data = _structured(body) or _binary(body, meta)
        named = text_at(attributes, "type")
        before, _, last = named.rpartition(".")
        kind = kinds.of(*filter(None, (named, before, before.rpartition(".")[2])))
        operation: str | None = settings.operations.get(named) or _WORDS.get(last.lower(), named or None)
        if data is None and operation == "delete" and attributes.get("subject") is not None:
            data = kinds.item_of_key(kind, attributes["subject"])
        source, own = text_at(attributes, "source"), text_at(attributes, "id")
        return Shaped(root(kind, operation, attributes.get("time"), data), f"{source} {own}" if own else None)

    return read


def _structured(body: Item | None) -> tuple[Item, Json] | None:
    if body is None or "specversion" not in body:
        return None
    if "data_base64" in body:
        raise Fault("source", "no_item", "the data of the event is base64, not JSON")
    return body, body.get("data")


def _binary(body: Item | None, meta: Item) -> tuple[Item, Json]:
    request = body.get("request") if body else None
    headers = meta.get("headers") or (request.get("headers") if isinstance(request, dict) else None)
    found = headers if isinstance(headers, dict) else {}
    attributes: Item = {name[3:].lower(): value for name, value in found.items() if name[:3].lower() in _PREFIXES}
    if not attributes:
        if body is None:
            raise NotAnEventError("null (a tombstone)")
        raise Fault("source", "no_operation", "the event has no attributes of CloudEvents, in its body or its headers")
    data = body if body is None or not isinstance(request, dict) else {k: v for k, v in body.items() if k != "request"}
    return attributes, data

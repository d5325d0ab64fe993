"""The check of a payload against its object, so that what is known to be bad costs no request.

In: the fields of a target object. Out: a function that takes one payload, gives every time a zone, and refuses what the other
side would: a wrong type, too long, not among the options, null where a value must be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import cast

from syncflow.compiler.types.declared import SEPARATOR
from syncflow.compiler.types.fitting import fits, may_be_blank, may_choose_none
from syncflow.compiler.types.formats import FORMATS, is_local
from syncflow.compiler.types.json import LARGEST_INTEGER, SMALLEST_INTEGER, Type
from syncflow.compiler.values import Fault, kind_of, text_of
from syncflow.config.models.schema import ObjectField
from syncflow.events import Change, Item, Json

Check = Callable[[Json], Json]
"""Returns the value as it is sent. Raises _Unfit."""


class _Unfit(Exception):  # noqa: N818  # becomes a Fault with the field's name
    """Why one value cannot be sent: (code, words)."""


def compile_payload_check(
    fields: Mapping[str, ObjectField],
    mapped: Mapping[str, Type],
    *,
    zone: tzinfo,
    as_text: bool,
    sure: Container[str] = (),
    one_of: Sequence[Sequence[str]] = (),
    omit_nulls: bool = False,
) -> Callable[[Item, Change], Item] | None:
    """Compile the check of payloads that hold only ``mapped`` fields, of these types. ``as_text``: scalars may go where text
    is expected. ``sure``: these are always there and never null. ``one_of``: lists of fields of which a record must have one.
    ``omit_nulls``: a list of no options leaves its field out. What the types prove is not checked.

    The check returns the payload to send; it raises Fault. None where nothing is left to check.
    """
    checks = tuple(_unproven(fields, mapped, zone=zone, as_text=as_text))
    choices = [name for name in mapped if omit_nulls and name in fields and fields[name].type == "options"]
    required = [
        name
        for name, field in fields.items()
        if field.required
        and not field.read_only
        and (name not in sure or (field.type == "options" and may_choose_none(mapped[name])))
    ]
    trimmed = [name for name in mapped if name in fields and fields[name].required and fields[name].trim]
    trimmed = [name for name in trimmed if may_be_blank(mapped[name])]
    groups = [tuple(group) for group in one_of if not _has_one(group, fields, mapped, sure)]
    blank_is_nothing = frozenset(name for group in groups for name in group if name in fields and fields[name].trim)
    only_on_create = [name for name in mapped if name in fields and fields[name].create_only]
    if not (checks or required or trimmed or only_on_create or groups):
        return None

    def check(payload: Item, change: Change) -> Item:
        for name, fit in checks:
            value = payload.get(name)
            if value is not None:
                payload[name] = _checked(name, value, fit)
        for name in choices:
            if payload.get(name, "") is None:
                del payload[name]
        if required:
            _check_required(payload, required, change)
        for name in trimmed:
            _check_not_blank(name, payload.get(name))
        for group in groups:
            _check_one_of(group, payload, change, blank_is_nothing=blank_is_nothing)
        if change == "update":
            for name in only_on_create:
                payload.pop(name, None)
        return payload

    return check


def _unproven(
    fields: Mapping[str, ObjectField], mapped: Mapping[str, Type], *, zone: tzinfo, as_text: bool
) -> Iterator[tuple[str, Check]]:
    for name, kind in mapped.items():
        if name in fields:
            check = compile_field(fields[name], zone=zone, as_text=as_text)
            is_choice = fields[name].type == "options"  # its list is joined, and without any it is nothing
            if is_choice or not fits(kind, fields[name], as_text=as_text, accepts=taker(check)):
                yield name, check


def taker(check: Check) -> Callable[[Json], bool]:
    """Return what tells whether a check takes a value as it stands."""

    def takes(value: Json) -> bool:
        try:
            return check(value) == value
        except _Unfit:
            return False

    return takes


def _checked(name: str, value: Json, check: Check) -> Json:
    try:
        return check(value)
    except _Unfit as error:
        code, words = error.args
        raise Fault("mapping", code, f"{name}: {words}") from None


def _check_required(payload: Item, required: Sequence[str], change: Change) -> None:
    for name in required:
        if payload.get(name) is None and (change == "create" or name in payload):
            raise Fault(
                "mapping", "required", f"{name}: a value is required, found {'null' if name in payload else 'none'}"
            )


def _has_one(
    group: Sequence[str], fields: Mapping[str, ObjectField], mapped: Mapping[str, Type], sure: Container[str]
) -> bool:
    """Whether the types prove that a record has one of these fields."""
    return any(
        name in sure
        and not (fields[name].trim and may_be_blank(mapped[name]))
        and not (fields[name].type == "options" and may_choose_none(mapped[name]))
        for name in group
        if name in mapped and name in fields
    )


def _check_one_of(group: Sequence[str], payload: Item, change: Change, *, blank_is_nothing: Container[str]) -> None:
    """An update may leave such fields out, but not empty all of them."""
    if any(not _is_nothing(payload.get(name), or_blank=name in blank_is_nothing) for name in group):
        return
    if change == "create" or all(name in payload for name in group):
        raise Fault("mapping", "one_of", f"one of {', '.join(group)} must have a value, and none has")


def _is_nothing(value: Json, *, or_blank: bool) -> bool:
    return value is None or (or_blank and isinstance(value, str) and not value.strip())


def _check_not_blank(name: str, value: Json) -> None:
    if isinstance(value, str) and not value.strip():
        raise Fault("mapping", "required", f"{name}: a value is required, found blanks only, which are dropped there")


def compile_field(field: ObjectField, *, zone: tzinfo, as_text: bool) -> Check:  # noqa: PLR0911  # one line a type
    """Compile the check of one field."""
    match field.type:
        case "integer" | "number":
            return _number(field)
        case "decimal":
            return _decimal(field)
        case "boolean":
            return _boolean
        case "date" | "email" | "time" | "uuid":
            return _text(field, as_text=as_text, format_name=field.type)
        case "date-time":
            return _time(zone)
        case "option":
            return _option(field, as_text=as_text)
        case "options":
            return _options(field, as_text=as_text)
        case "relation":
            return _relation(field, zone=zone, as_text=as_text)
        case "json":
            return lambda value: value
    return _text(field, as_text=as_text)


def _relation(field: ObjectField, *, zone: tzinfo, as_text: bool) -> Check:
    """Take an object that names another record by one of its fields."""
    checks = {name: compile_field(one, zone=zone, as_text=as_text) for name, one in (field.by or {}).items()}

    def check(value: Json) -> Json:
        if not isinstance(value, dict) or len(value) != 1:
            raise _Unfit("type", f"expected one field that names the other record, found {kind_of(value)}")
        [(name, given)] = value.items()
        if name not in checks or given is None:
            raise _Unfit("type", f"expected one of {', '.join(checks)} that is not null")
        return {name: checks[name](given)}

    return check


def with_relations(
    check: Callable[[Item, Change], Item] | None, relations: Mapping[str, tuple[str, str]]
) -> Callable[[Item, Change], Item] | None:
    """Return a check that writes relations after it. ``relations``: field → (the field by which the other record is named, the
    field whose null takes the relation away or the relation itself)."""
    if not relations:
        return check

    def related(payload: Item, change: Change) -> Item:
        if check is not None:
            payload = check(payload, change)
        for name, (by, cleared) in relations.items():
            if name in payload:
                value = payload.pop(name)
                payload[cleared if value is None else name] = None if value is None else {by: value}
        return payload

    return related


def _number(field: ObjectField) -> Check:
    whole = field.type == "integer"

    def check(value: Json) -> Json:
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise _Unfit("type", f"expected {'a whole number' if whole else 'a number'}, found {kind_of(value)}")
        if whole and not (float(value).is_integer() and SMALLEST_INTEGER <= value <= LARGEST_INTEGER):
            raise _Unfit("type", "expected a whole number, found a fraction or more than 64 bits")
        if field.minimum is not None and value < field.minimum:
            raise _Unfit("range", f"is less than {field.minimum:g}")
        if field.maximum is not None and value > field.maximum:
            raise _Unfit("range", f"is more than {field.maximum:g}")
        return value

    return check


def _decimal(field: ObjectField) -> Check:
    """Take a number, or its digits as text: a double has fifteen of them, text has all."""
    number, is_decimal = _number(field), FORMATS["decimal"].check

    def check(value: Json) -> Json:
        if not isinstance(value, str):
            return number(value)
        if not is_decimal(value):
            raise _Unfit("format", "is not a valid decimal number")
        exact = Decimal(value)
        if field.minimum is not None and exact < _exactly(field.minimum):
            raise _Unfit("range", f"is less than {field.minimum:g}")
        if field.maximum is not None and exact > _exactly(field.maximum):
            raise _Unfit("range", f"is more than {field.maximum:g}")
        return value

    return check


def _exactly(bound: float) -> Decimal:
    return Decimal(repr(bound))


def _boolean(value: Json) -> Json:
    if not isinstance(value, bool):
        raise _Unfit("type", f"expected true or false, found {kind_of(value)}")
    return value


def _text(field: ObjectField, *, as_text: bool, format_name: str = "") -> Check:
    most = field.length
    fits = FORMATS[format_name].check if format_name else None
    words = FORMATS[format_name].words if format_name else "text"

    def check(value: Json) -> Json:
        text = _as_text(value, as_text=as_text)
        if most is not None and len(text) > most:
            raise _Unfit("length", f"is longer than {most} characters")
        if fits is not None and not fits(text):
            raise _Unfit("format", f"is not a valid {words}")
        return value

    return check


def _as_text(value: Json, *, as_text: bool) -> str:
    text = value if isinstance(value, str) else text_of(value) if as_text else None
    if text is None:
        raise _Unfit("type", f"expected text, found {kind_of(value)}")
    return text


def _option(field: ObjectField, *, as_text: bool) -> Check:
    allowed = None if field.options is None else frozenset(field.options)
    most = field.length if allowed is None else None

    def check(value: Json) -> Json:
        text = _as_text(value, as_text=as_text)
        if allowed is not None and text not in allowed:
            raise _Unfit("options", "is not one of the field's options")
        if most is not None and len(text) > most:
            raise _Unfit("length", f"is longer than {most} characters")
        return value

    return check


def _options(field: ObjectField, *, as_text: bool) -> Check:
    """Take a list of options, or the text of one; a list without any is null."""
    allowed, separator = None if field.options is None else frozenset(field.options), field.separator

    def check(value: Json) -> Json:
        if isinstance(value, list):
            chosen = list(dict.fromkeys(_as_text(each, as_text=as_text) for each in value if each is not None))
        else:
            text = _as_text(value, as_text=as_text)
            chosen = text.split(separator or SEPARATOR) if text else []
        if allowed is not None and not allowed.issuperset(chosen):
            raise _Unfit("options", "is not among the field's options")
        made = _joined(chosen, separator) if isinstance(value, list) and separator else value
        if isinstance(made, str) and field.length is not None and len(made) > field.length:
            raise _Unfit("length", f"is longer than {field.length} characters")
        if isinstance(made, list):
            return cast(Json, chosen) if chosen or not field.required else None
        return made or None

    return check


def _joined(chosen: Sequence[str], separator: str) -> str:
    if any(separator in each for each in chosen):
        raise _Unfit("options", f"has an option with {separator} in it, which stands between options")
    return separator.join(chosen)


def _time(zone: tzinfo) -> Check:
    zoned = FORMATS["date-time-zoned"].check

    def check(value: Json) -> Json:
        if not isinstance(value, str):
            raise _Unfit("type", f"expected a date and time, found {kind_of(value)}")
        if zoned(value):
            return value
        if not is_local(value):
            raise _Unfit("format", "is not a valid date and time")
        return value + _offset(value, zone)

    return check


def _offset(text: str, zone: tzinfo) -> str:
    """Return how the zone is written at a local time: ``Z``, or ``+02:00``."""
    offset = datetime.fromisoformat(text).replace(tzinfo=zone).strftime("%z")
    return "Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:5]}"

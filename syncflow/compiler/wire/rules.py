"""Outcome rules compiled: what must fit, and what it means then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from syncflow.compiler.types.json import Type
from syncflow.compiler.wire.adapter_expressions import AdapterExpressions, Step
from syncflow.compiler.wire.plans import QuotaPlan, Root, RulePlan, Value
from syncflow.compiler.wire.visible_names import QUOTA, RULE
from syncflow.config.models.adapter import Limit, OutcomeRule
from syncflow.config.scalars import resolve
from syncflow.errors import DataError
from syncflow.patterns import lazy_pattern

_STATUS = lazy_pattern(r"[1-5]([0-9]{2}|xx)\Z")
_DURATION = lazy_pattern(r"[0-9]+(\.[0-9]+)?(ms|s|m|h|d)\Z")


def compile_rules(rules: Iterable[OutcomeRule], texts: AdapterExpressions, root: Root) -> tuple[RulePlan, ...]:
    """Compile the rules of an adapter, in order; ``root`` holds the system's options."""
    return tuple(_rule(rule, texts, ("outcomes", index), root) for index, rule in enumerate(rules))


def compile_quotas(limits: Iterable[Limit], texts: AdapterExpressions) -> tuple[QuotaPlan, ...]:
    """Compile what answers tell of a quota."""
    return tuple(
        QuotaPlan(
            remaining=texts.value(limit.remaining, "limits", index, "remaining", sees=QUOTA),
            wait=None if limit.wait is None else _wait(limit.wait, texts, ("limits", index, "wait"), sees=QUOTA),
            place=texts.place("limits", index),
        )
        for index, limit in enumerate(limits)
        if limit.remaining is not None
    )


def _rule(rule: OutcomeRule, texts: AdapterExpressions, path: tuple[Step, ...], root: Root) -> RulePlan:
    _check_statuses(rule, texts, (*path, "status"))
    return RulePlan(
        statuses=statuses_of(rule),
        codes=codes_of(rule),
        message=None if rule.message is None else texts.pattern(rule.message, *path, "message"),
        headers=tuple((name.lower(), texts.pattern(text, *path, "header", name)) for name, text in rule.header.items()),
        operation=rule.operation,
        when=None if rule.when is None else texts.condition(rule.when, *path, "when", sees=RULE),
        then=rule.then,
        wait=None if rule.wait is None else _wait(rule.wait, texts, (*path, "wait"), sees=RULE),
        midnight=None if rule.until is None else _zone(rule.zone, texts, (*path, "zone"), root),
        vendor_id=None if rule.vendor_id is None else texts.value(rule.vendor_id, *path, "vendor_id", sees=RULE),
        place=texts.place(*path),
    )


def codes_of(rule: OutcomeRule) -> frozenset[str]:
    """Return the codes that a rule takes; none: any."""
    return frozenset(str(code) for code in _listed(rule.code))


def statuses_of(rule: OutcomeRule) -> frozenset[int]:
    """Return the statuses that a rule takes, those aside that are none; none: any."""
    return frozenset(status for entry in _listed(rule.status) for status in _read_status(entry))


def _read_status(entry: Any) -> Sequence[int]:
    text = str(resolve(entry)).lower()
    if not _STATUS.match(text):
        return ()
    first = int(text.replace("x", "0"))
    return range(first, first + 100) if text.endswith("xx") else (first,)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _check_statuses(rule: OutcomeRule, texts: AdapterExpressions, path: tuple[Step, ...]) -> None:
    for entry in _listed(rule.status):
        if not _read_status(entry):
            hint = "write 429, 5xx, or a list such as [423, 503]"
            texts.wrong(path, f"{str(resolve(entry)).lower()} is not a status", hint=hint)


def _wait(text: str, texts: AdapterExpressions, path: tuple[Step, ...], *, sees: Type) -> Value:
    if _DURATION.match(text):
        return lambda _: text
    return texts.value(text, *path, sees=sees)


def _zone(template: str, texts: AdapterExpressions, path: tuple[Step, ...], root: Root) -> ZoneInfo | None:
    render = texts.template(template, *path, sees=texts.sight.options)
    try:
        return ZoneInfo(render(root))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        texts.wrong(path, "this is not a time zone", hint="write a name such as UTC or Europe/Berlin")
    except DataError as error:
        texts.wrong(path, error.message)
    return None

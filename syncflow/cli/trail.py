"""The audit trail of one record as lines: every event, its deliveries, their attempts and outcomes, in order; where the record is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from syncflow.cli.console import moment
from syncflow.runtime.desk.masking import masked_row

Row = dict[str, Any]


def hidden(known: Row) -> Row:
    """Return what is known with the record's data and the vendors' words hidden; ids, codes and times stay."""
    return known | {
        "events": [masked_row(row, "raw") for row in known["events"]],
        "deliveries": [masked_row(row, "payload", "message", "key_value") for row in known["deliveries"]],
        "attempts": [masked_row(row, "message") for row in known["attempts"]],
        "dead_letters": [masked_row(row, "reason") for row in known["dead_letters"]],
        "presence": [masked_row(row, "key_value") for row in known["presence"]],
    }


def trail(known: Row) -> Iterator[str]:
    """Yield the lines; one that says so where nothing is known."""
    if not (known["events"] or known["deliveries"] or known["presence"]):
        yield f"nothing is known of a record {known['record']!r}"
    kinds = list(dict.fromkeys(each["kind"] for each in known["events"]))
    for event in known["events"]:
        yield from _event(event, known, kind=f"{event['kind']}  " if len(kinds) > 1 else "")
    for row in known["presence"]:
        there = f" as {row['vendor_id']}" if row["vendor_id"] else ""
        yield f"{_standing(row, known)} {row['system']}/{row['object']}{there}, {row['key_name']} = {row['key_value']}"


def place_of(row: Row) -> str:
    """Say where in its source an event is: its line, in an object of a bucket where it is of one."""
    line = f"line {row['line']}" if row["line"] else ""
    if row["held_in"]:
        return f"{row['held_in']} {line}".rstrip()
    return line or f"{row['partition']} @ {row['offset']}"


def _standing(row: Row, known: Row) -> str:
    """Say how a record stands at a place; one that left a route was deleted there (on_leave), or is there still."""
    if row["state"] != "left":
        return f"{row['state']} in"
    last = next((each for each in known["deliveries"] if each["id"] == row["delivery"]), None)
    gone = last is not None and last["operation"] == "delete" and last["state"] in {"delivered", "already_done"}
    return "no longer routed to (deleted there)" if gone else "no longer routed to (still there)"


def _event(event: Row, known: Row, *, kind: str) -> Iterator[str]:
    note = f" ({event['note']})" if event["note"] else ""
    change = f"{kind}{event['change'] or 'unread'}"
    yield f"{moment(event['read_at'])}  event {event['seq']} ({place_of(event)})  {change}  {event['state']}{note}"
    if event["raw"]:
        yield f"  {event['raw']}"
    for letter in known["dead_letters"]:
        if letter["event"] == event["seq"] and letter["delivery"] is None:
            yield f"  {_letter(letter)}"
    for delivery in known["deliveries"]:
        if delivery["event"] == event["seq"]:
            yield from _delivery(delivery, known)


def _delivery(row: Row, known: Row) -> Iterator[str]:
    place = f"{row['object']} in {row['system']}, {row['key_name']} = {row['key_value']}"
    yield f"  delivery {row['id']}  {row['route']}  {row['operation']} {place}"
    if row["payload"] not in {"", "{}"}:
        yield f"    {row['payload']}"
    for attempt in known["attempts"]:
        if attempt["delivery"] == row["id"]:
            yield f"    {_attempt(attempt)}"
    yield f"    {_end(row)}"
    for letter in known["dead_letters"]:
        if letter["delivery"] == row["id"]:
            yield f"    {_letter(letter)}"


def _attempt(row: Row) -> str:
    times = f", {row['times']} times until {moment(row['at'])}" if row["times"] > 1 else ""
    words = " ".join(str(part) for part in (row["status"], row["code"], row["message"]) if part)
    rule = f" ({row['rule']})" if row["rule"] else ""
    then = f"; next try {moment(row['due_at'])}" if row["due_at"] else ""
    return f"{moment(row['first_at'])}  attempt {row['number']}  {words}{rule}{times}{then}"


def _end(row: Row) -> str:
    by = f" by delivery {row['superseded_by']}" if row["superseded_by"] else ""
    tries = f" after {row['attempts']} attempt{'' if row['attempts'] == 1 else 's'}" if row["attempts"] else ""
    batch = f", batch {row['batch_id']}" if row["batch_id"] else ""
    there = f", as {row['vendor_id']}" if row["vendor_id"] else ""
    return f"{moment(row['settled_at']) or 'open'}  {row['state']}{by}{tries}{batch}{there}"


def _letter(row: Row) -> str:
    return (
        f"{moment(row['at'])}  dead letter {row['id']} ({row['state']})  {row['stage']}: {row['code']}: {row['reason']}"
    )

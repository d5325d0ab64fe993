"""The tables of an export. Columns may be added in a later version; none is renamed, retyped or taken away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Type = Literal["integer", "number", "boolean", "text", "time"]
Privacy = Literal["", "hashed", "left out", "code"]
"""What stands there without ``--personal-data``: the value itself, its keyed hash, nothing, or ``other`` where it is no plain code."""


class Format(StrEnum):
    """How a table is written as a file."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


@dataclass(frozen=True, kw_only=True)
class Column:
    """``read`` is what the journal is asked for: an expression over its tables."""

    name: str
    type: Type
    meaning: str
    read: str = ""
    privacy: Privacy = ""
    personal: str = ""
    """What is read in place of ``read`` with ``--personal-data``."""

    @property
    def asked(self) -> str:
        """The expression, which is its name where nothing else is said."""
        return self.read or self.name


@dataclass(frozen=True, kw_only=True)
class ExportTable:
    """``key`` names the columns that tell a row from all others of the same journal; ``source`` is what stands behind FROM.

    ``number`` is the journal's own number of its rows, which grows; empty for a table that is exported whole each time.
    ``at`` is the column of ``--since``.
    """

    name: str
    meaning: str
    source: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    number: str = ""
    at: str = ""

    @property
    def database_name(self) -> str:
        """What it is called in a database."""
        return f"syncflow_{self.name.replace('-', '_')}"


JOURNAL = Column(
    name="journal",
    type="text",
    meaning="Whose journal it is: the project's name, or `--name`. Part of the key, so that several journals can be in one table.",
)
_OURS = "CASE WHEN l.stage != 'delivery' OR (l.status IS NULL AND l.code IN ('program_changed', 'in_doubt')) THEN l.reason ELSE NULL END"
"""A reason in our own words; at the stage of delivery they are the vendor's, unless nothing was sent or nothing was answered."""


def _text(name: str, meaning: str, read: str = "") -> Column:
    return Column(name=name, type="text", meaning=meaning, read=read)


def _integer(name: str, meaning: str, read: str = "") -> Column:
    return Column(name=name, type="integer", meaning=meaning, read=read)


def _time(name: str, meaning: str, read: str = "") -> Column:
    return Column(name=name, type="time", meaning=meaning, read=read)


def _hashed(name: str, meaning: str, read: str = "") -> Column:
    return Column(name=name, type="text", meaning=meaning, read=read, privacy="hashed")


def _left_out(name: str, meaning: str, read: str = "") -> Column:
    return Column(name=name, type="text", meaning=meaning, read="NULL", privacy="left out", personal=read or name)


def _code(meaning: str, read: str = "") -> Column:
    return Column(name="code", type="text", meaning=meaning, read=read, privacy="code")


_COUNTS = {
    "read": "Events that it read.",
    "routed": "Events that became deliveries.",
    "ignored": "Events that a rule of the project ignored.",
    "repeated": "Events that had been read before.",
    "delivered": "Deliveries that took effect, or had.",
    "superseded": "Deliveries whose effect a later one carried.",
    "unchanged": "Deliveries that had nothing new to send.",
    "dead_letters": "Dead letters that it made.",
    "open": "Deliveries that it left open, of earlier runs too.",
}
RUN_WORDS = ("how", "reason", *_COUNTS)
"""Columns of a run that stand in its ``ending``, a JSON text; they are read behind the others."""

RUNS = ExportTable(
    name="runs",
    meaning="Each run: when, by whom, how it ended and what it did.",
    source="runs",
    key=("run",),
    number="id",
    at="started_at",
    columns=(
        _integer("run", "Number of the run in this journal.", "id"),
        _text("name", "Its id, as in logs and on `/metrics`; empty for runs of an earlier version."),
        _text("worker", "Where it ran: `SYNCFLOW_WORKER`, else machine and process."),
        _text(
            "fingerprint",
            "Its program, as in deliveries; the same for the same treatment of events.",
            "substr(fingerprint, 1, 12)",
        ),
        _time("started_at", "When it started."),
        _time("ended_at", "When it ended; null while it goes on, and where it was killed."),
        _text("how", "`done`, `stopped` or `error`; null where `ended_at` is."),
        _text("reason", "Why it ended before its work was done: a signal, a rule, an error's message."),
        *(_integer(name, meaning) for name, meaning in _COUNTS.items()),
    ),
)

EVENTS = ExportTable(
    name="events",
    meaning="Each event that is still kept, as it was when it was exported.",
    source="events",
    key=("event",),
    number="seq",
    at="read_at",
    columns=(
        _integer("event", "Number of the event in this journal.", "seq"),
        _text("source", "Where it was read: a file, a topic and partition, a slot.", "partition"),
        _integer("position", "Its place there.", '"offset"'),
        _integer("line", "Its line, in a file."),
        _text("kind", "Kind of its record, as far as it is known."),
        _hashed("record", "Id of its record."),
        _text("change", "`create`, `update` or `delete`."),
        _text("state", "`routed`, `ignored`, `dead` or `duplicate`."),
        _text("note", "The rule that ignored it."),
        _hashed("event_id", "The id that the event declares, where the project names one."),
        _integer("bytes", "Length of its body.", "length(raw)"),
        _time("read_at", "When it was read."),
        _left_out("body", "The event as it came.", "raw"),
    ),
)

DELIVERIES = ExportTable(
    name="deliveries",
    meaning="Each delivery that is still kept: one change for one system, and what became of it.",
    source="deliveries",
    key=("delivery",),
    number="id",
    at="read_at",
    columns=(
        _integer("delivery", "Number of the delivery in this journal.", "id"),
        _integer("event", "Its event."),
        _text("route", "Its route."),
        _text("system", "Where it goes."),
        _text("object", "The object there."),
        _text("operation", "`upsert`, `create`, `update` or `delete`."),
        _text("kind", "Kind of its record."),
        _hashed("record", "Id of its record."),
        _text("key_name", "The field that identifies the record there."),
        _hashed("key_value", "The key's value."),
        _text(
            "state",
            "`waiting`, `sending`, `retrying`, `delivered`, `already_done`, `superseded`, `unchanged` or `dead`.",
        ),
        _integer("attempts", "Attempts that count against it."),
        _code("Code of the last answer that was no success; `adopted` where the record had been there already."),
        _integer("status", "HTTP status of that answer."),
        _text("rule", "The adapter's rule that decided."),
        _left_out("message", "What the other side said."),
        _hashed("vendor_id", "The other side's id of the record."),
        _integer("superseded_by", "The delivery that carried its effect."),
        _text("batch", "Id of the request's batch that it was last in.", "batch_id"),
        _text("fingerprint", "The program that made it."),
        _time("read_at", "When its event was read."),
        _time("tried_at", "When it was last sent, where it waits for another try."),
        _time("settled_at", "When it was settled; null while it is open."),
        _time("next_try_at", "When it is tried again.", "CASE WHEN state = 'retrying' THEN due_at END"),
        _left_out("payload", "What is sent, as JSON.", "payload"),
    ),
)

DEAD_LETTERS = ExportTable(
    name="dead-letters",
    meaning="Each dead letter that is still kept: what was given up, and why.",
    source="dead_letters l LEFT JOIN events e ON e.seq = l.event",
    key=("dead_letter",),
    number="l.id",
    at="l.at",
    columns=(
        _integer("dead_letter", "Number of the dead letter in this journal, as `syncflow dlq` knows it.", "l.id"),
        _time("at", "When it was made.", "l.at"),
        _text("state", "`open`, `redriven` or `dropped`.", "l.state"),
        _text("stage", "`source`, `schema`, `route`, `mapping` or `delivery`.", "l.stage"),
        _text("route", "Its route; empty where there is none.", "l.route"),
        _text("system", "Its system; empty where there is none.", "l.system"),
        _code("Why, as a code.", "l.code"),
        _integer("status", "HTTP status of the answer.", "l.status"),
        _integer("attempts", "Attempts before it was given up.", "l.attempts"),
        Column(
            name="reason",
            type="text",
            meaning="Why, in words; those of the other side only with `--personal-data`.",
            read=_OURS,
            personal="l.reason",
            privacy="left out",
        ),
        _text("rule", "The adapter's rule that decided.", "l.rule"),
        _integer("event", "Its event.", "l.event"),
        _integer("delivery", "Its delivery, where there was one.", "l.delivery"),
        _text("kind", "Kind of its record, as far as it is known.", "e.kind"),
        _hashed("record", "Id of its record.", "e.record"),
        _text("change", "`create`, `update` or `delete`.", "e.change"),
        _left_out("answer", "The beginning of the answer.", "l.body"),
    ),
)

RECORDS = ExportTable(
    name="records",
    meaning="Each record at each route: whether it is there, and under which key. Exported whole each time.",
    source="presence",
    key=("kind", "record", "route"),
    columns=(
        _text("kind", "Kind of the record."),
        _hashed("record", "Its id."),
        _text("route", "The route."),
        _text("system", "Where that leads."),
        _text("object", "The object there."),
        _text("key_name", "The field that identifies it there."),
        _hashed("key_value", "The key's value."),
        _hashed("vendor_id", "The other side's id."),
        _text("state", "`present`, `left`, `deleted` or `gone`, when all that is open has succeeded."),
        Column(name="confirmed", type="boolean", meaning="Whether the other side confirmed it.", read="proven"),
        _integer("last_delivery", "The last delivery that was meant for it.", "delivery"),
    ),
)

TABLES: Mapping[str, ExportTable] = {table.name: table for table in (RUNS, EVENTS, DELIVERIES, DEAD_LETTERS, RECORDS)}


def columns_of(table: ExportTable) -> tuple[Column, ...]:
    """Return all columns of a row, the journal's name first."""
    return (JOURNAL, *table.columns)

"""The names of log lines, each with its level and what it says; ``tests/cli/test_log_events.py`` holds the list against the code.

A name is what a search or an alert of a log store looks for, so it does not change from version to version. Fields may be added.
"""

from __future__ import annotations

from typing import NamedTuple


class LogEvent(NamedTuple):
    """``level`` is the one at which it is logged (``info or warning`` where that depends)."""

    level: str
    fields: tuple[str, ...]
    meaning: str


_INFO, _WARNING, _EITHER = "info", "warning", "info or warning"

LOG_EVENTS: dict[str, LogEvent] = {
    "run.progress": LogEvent(
        _INFO, ("read", "delivered", "open", "dead_letters"), "How far the run is, every five seconds."
    ),
    "run.stopping": LogEvent(
        _INFO, ("reason",), "The run reads no more: a signal, `--limit`'s end or a rule ended it."
    ),
    "run.ended": LogEvent(
        _INFO, ("clean", "stopped", "events", "routes", "systems"), "The last line: all counts of the run."
    ),
    "remark": LogEvent(
        _INFO, ("text",), "What a person would read at the terminal: an address that is served, a hint, an error."
    ),
    "program.takes_over": LogEvent(
        _WARNING,
        ("dead_letters", "left", "renamed", "reason"),
        "The project changed since the journal was last used, and some deliveries cannot be sent any more or names were carried over.",
    ),
    "program.changed": LogEvent(_INFO, ("fingerprint", "places"), "A reload: the changed files are in use."),
    "program.unchanged": LogEvent(_INFO, (), "A reload found nothing that the run uses changed."),
    "program.refused": LogEvent(_WARNING, ("reason",), "A reload found errors: the run goes on with the files it had."),
    "reload.not_noted": LogEvent(_WARNING, ("reason",), "How a reload ended could not be written to the journal."),
    "source.held_back": LogEvent(
        _WARNING,
        ("waiting", "bytes"),
        "As much waits in the journal as may wait (`journal.waiting`): nothing is read meanwhile.",
    ),
    "source.goes_on": LogEvent(_INFO, ("waiting",), "It is read again."),
    "source.waits_for_messages_of_the_reader_before": LogEvent(
        _INFO, ("messages", "seconds"), "NATS: the reader before this one had messages, which come back first."
    ),
    "source.again": LogEvent(_WARNING, ("words",), "What was read before has changed, and is read from the start."),
    "source.unchanged": LogEvent(_INFO, ("words",), "There is nothing new."),
    "source.missed": LogEvent(
        _WARNING, ("words", "bytes"), "Something was written and removed before it could be read."
    ),
    "source.left": LogEvent(
        _WARNING, ("words", "bytes"), "The end is not a whole event yet; it is left for the next run."
    ),
    "source.read": LogEvent(_INFO, ("words",), "How a file is read, where that was found out and not told."),
    "source.lost": LogEvent(_WARNING, ("words",), "Its connection is lost; it is opened again."),
    "source.back": LogEvent(_INFO, ("words",), "It is open again."),
    "source.noted": LogEvent(_INFO, ("words",), "Anything else that is no harm."),
    "source.stopped": LogEvent(_WARNING, ("words",), "It reads no more; other sources of the project go on."),
    "source.guarded": LogEvent(_WARNING, ("words",), "A guard stopped a pass before it sent anything."),
    "source.failed": LogEvent(_WARNING, ("words",), "A pass failed, and is tried again."),
    "source.changed": LogEvent(_WARNING, ("words",), "What is read has another shape than before."),
    "source.behind": LogEvent(_WARNING, ("words",), "It is further behind than it should be."),
    "source.waiting": LogEvent(_INFO, ("words",), "Another run reads it; this one reads when that has ended."),
    "webhook.listening": LogEvent(_INFO, ("url",), "The webhook takes requests."),
    "webhook.certificate_renewed": LogEvent(_INFO, ("file",), "A changed certificate is in use."),
    "webhook.certificate_kept": LogEvent(
        _WARNING, ("reason",), "A changed certificate cannot be used; the one before serves on."
    ),
    "system.paused": LogEvent(
        _INFO, ("system", "seconds", "reason"), "The other side asked to wait, or refused for the rate."
    ),
    "system.waits": LogEvent(
        _INFO, ("system", "by", "seconds"), "Its limit is used up for a while; `by` names the window."
    ),
    "system.unreachable": LogEvent(
        _EITHER,
        ("system", "reason", "seconds"),
        "Nothing that it is sent succeeds: it is only probed until one does. A warning at first.",
    ),
    "system.back": LogEvent(_INFO, ("system",), "It answers again."),
    "system.stopped": LogEvent(
        _WARNING,
        ("system", "reason"),
        "Nothing is sent to it until a reload or the next run; its deliveries stay open.",
    ),
    "job.goes_on": LogEvent(_INFO, ("system", "job", "stage"), "A job that an earlier run began is gone on with."),
    "job.begins_anew": LogEvent(
        _INFO,
        ("system", "job", "vendor_id"),
        "A job is begun once more, in place of one over there that cannot be gone on with.",
    ),
    "job.strangers": LogEvent(
        _INFO,
        ("system", "job", "count"),
        "The results of a job name records that were not in it; they are not counted.",
    ),
    "job.overdue": LogEvent(
        _WARNING, ("system", "job", "vendor_id"), "A job takes longer than it may, and is aborted."
    ),
    "job.refused": LogEvent(_WARNING, ("system", "reason"), "A job was refused over there; the reason says why."),
    "sign_in.renewed_setting_not_kept": LogEvent(
        _WARNING,
        ("system", "settings", "reason"),
        "A renewed refresh token cannot be written: the next run cannot sign in.",
    ),
    "pause.begun": LogEvent(
        _INFO, ("what", "name"), "A person paused a system or a route: nothing of it is sent any more."
    ),
    "pause.over": LogEvent(_INFO, ("what", "name"), "A person resumed it: what waited is sent now, the oldest first."),
    "system.events_kept": LogEvent(
        _WARNING,
        ("system", "reason"),
        "Events fail for a system that another worker sends to, more than `stop_after` allows: those that follow are kept, not given up.",
    ),
    "route.held": LogEvent(
        _WARNING, ("route", "reason"), "A guard of the route holds it: its deliveries become dead letters `guarded`."
    ),
    "delivery.dead": LogEvent(
        _INFO, ("route", "delivery", "code"), "A delivery was given up; `syncflow dlq show` has the reason."
    ),
    "marks.set_aside": LogEvent(_WARNING, ("count", "reason"), "What was marked to be sent again cannot be, and why."),
    "journal.commits": LogEvent(
        _INFO, ("synchronous_commit", "server"), "How this run's commits are kept, where the server says otherwise."
    ),
    "journal.not_durable": LogEvent(_WARNING, ("reason",), "The server may lose what it confirmed."),
    "journal.lost": LogEvent(
        _WARNING, ("place",), "The connection to the journal's database is lost; the run waits for it."
    ),
    "journal.found_again": LogEvent(_INFO, ("place", "seconds"), "It is there again."),
    "journal.slow": LogEvent(
        _WARNING, ("seconds", "place", "process"), "A write takes long: the disk or the database hangs. The run waits."
    ),
    "journal.answers_again": LogEvent(_INFO, ("process",), "Writes end in time again."),
    "journal.tidied": LogEvent(
        _INFO, ("events",), "Settled events were removed from the journal, as `journal.keep` says."
    ),
    "journal.not_tidied": LogEvent(_WARNING, ("reason",), "Settled events could not be forgotten."),
    "journal.made_private": LogEvent(
        _WARNING, ("files", "mode"), "Files with personal data were open to others, and are no more."
    ),
    "journal.open_folder": LogEvent(
        _WARNING, ("folder", "reason"), "Others may change what is in the journal's folder."
    ),
    "worker.joined": LogEvent(
        _INFO, ("number", "others"), "This worker of several is at work; `others` is how many there are besides."
    ),
    "worker.waits": LogEvent(
        _WARNING, ("number", "reason"), "It cannot begin yet, mostly for another version of the project runs."
    ),
    "worker.takes": LogEvent(
        _INFO, ("number", "share", "epoch"), "It has claimed a share: `reading`, or a system to send to."
    ),
    "worker.gives": LogEvent(_INFO, ("number", "share"), "It has handed a share over, after what was under way ended."),
    "worker.lost": LogEvent(
        _WARNING,
        ("number", "share", "reason"),
        "Its claim has passed to another worker: it writes and sends nothing more for it.",
    ),
    "metrics.incomplete": LogEvent(
        _WARNING, ("reason",), "The journal could not be asked, so `/metrics` lacks what it holds."
    ),
    "lineage.failed": LogEvent(
        _WARNING, ("host", "reason"), "The receiver of `lineage:` did not take what it was told; the run goes on."
    ),
    "traces.lost": LogEvent(
        _WARNING,
        ("host", "spans", "reason"),
        "The collector of traces did not take spans; they are lost, and the run goes on.",
    ),
    "traces.off": LogEvent(
        _WARNING,
        ("reason", "hint"),
        "The variables OTEL_* ask for traces, and the packages that make them are not there.",
    ),
    "alert.sent": LogEvent(_INFO, ("host", "alert", "state", "subject"), "A receiver of `alerts:` was told something."),
    "alert.failed": LogEvent(
        _WARNING,
        ("host", "reason", "seconds"),
        "A receiver of `alerts:` did not take it; it is tried again after `seconds`.",
    ),
    "console.shown": LogEvent(_INFO, ("by", "page", "number"), "Somebody looked at personal data by the console."),
    "console.planned": LogEvent(
        _INFO, ("by", "events", "online"), "Somebody started a plan by the console; `online`: records are read back."
    ),
    "console.failed": LogEvent(_WARNING, ("error", "path"), "A page of the console met an unforeseen exception."),
    "bug": LogEvent(
        _WARNING,
        ("during", "error", "traceback"),
        "An unforeseen exception: please report it. The line says what it cost.",
    ),
    "library.warned": LogEvent(
        _WARNING,
        ("logger", "place", "error"),
        "A library warned; its words are left out, for they may hold what a record held.",
    ),
}

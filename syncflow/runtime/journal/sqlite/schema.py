"""The journal's tables. A change of them is a new entry in ``MIGRATIONS``, never an edit of an old one."""

from __future__ import annotations

from syncflow.runtime.journal.tables.counts import RECOUNT
from syncflow.runtime.journal.tables.database import IS_OPEN

VERSION_1 = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, started_at REAL NOT NULL, ended_at REAL, finished INTEGER NOT NULL DEFAULT 0, fingerprint TEXT NOT NULL
);
CREATE TABLE positions (partition TEXT PRIMARY KEY, offset INTEGER NOT NULL, line INTEGER) WITHOUT ROWID;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, partition TEXT NOT NULL, offset INTEGER NOT NULL, line INTEGER, raw BLOB NOT NULL, broken TEXT,
    length INTEGER, sha256 TEXT, kind TEXT, record TEXT, change TEXT, event_id TEXT, state TEXT NOT NULL, note TEXT,
    read_at REAL NOT NULL
);
CREATE UNIQUE INDEX events_by_id ON events (event_id) WHERE event_id IS NOT NULL;
CREATE INDEX events_by_record ON events (record, kind) WHERE record IS NOT NULL;
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY, event INTEGER NOT NULL, route TEXT NOT NULL, system TEXT NOT NULL, object TEXT NOT NULL,
    operation TEXT NOT NULL, kind TEXT NOT NULL, record TEXT NOT NULL, key_name TEXT NOT NULL, key_value TEXT NOT NULL,
    payload BLOB NOT NULL, version_time INTEGER NOT NULL, version_seq INTEGER NOT NULL, whole INTEGER NOT NULL,
    read_at REAL NOT NULL, vendor_id TEXT, fingerprint TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL DEFAULT 0,
    tried_at REAL, batch_id TEXT, settled_at REAL, superseded_by INTEGER, code TEXT, message TEXT, status INTEGER,
    rule TEXT
);
CREATE INDEX deliveries_open ON deliveries (system, id) WHERE state IN ('waiting', 'sending', 'retrying');
CREATE INDEX deliveries_by_event ON deliveries (event);
CREATE TABLE attempts (
    delivery INTEGER NOT NULL, number INTEGER NOT NULL, code TEXT NOT NULL, first_at REAL NOT NULL, at REAL NOT NULL,
    times INTEGER NOT NULL DEFAULT 1, state TEXT NOT NULL, status INTEGER, message TEXT, rule TEXT, batch_id TEXT, due_at REAL,
    PRIMARY KEY (delivery, number, code)
) WITHOUT ROWID;
CREATE TABLE presence (
    record TEXT NOT NULL, kind TEXT NOT NULL, route TEXT NOT NULL, system TEXT NOT NULL, object TEXT NOT NULL,
    key_name TEXT NOT NULL, key_value TEXT NOT NULL, compared TEXT NOT NULL, vendor_id TEXT, version_time INTEGER NOT NULL,
    version_seq INTEGER NOT NULL, state TEXT NOT NULL, delivery INTEGER NOT NULL, born INTEGER NOT NULL,
    PRIMARY KEY (record, kind, route)
) WITHOUT ROWID;
CREATE INDEX presence_by_key ON presence (compared, system, object) WHERE state = 'present';
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY, event INTEGER NOT NULL, delivery INTEGER, stage TEXT NOT NULL, route TEXT NOT NULL,
    system TEXT NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL, status INTEGER, attempts INTEGER NOT NULL, body TEXT NOT NULL,
    rule TEXT NOT NULL, at REAL NOT NULL, state TEXT NOT NULL DEFAULT 'open'
);
CREATE INDEX dead_letters_by_event ON dead_letters (event);
CREATE TABLE marks (
    id INTEGER PRIMARY KEY, event INTEGER NOT NULL, delivery INTEGER, route TEXT NOT NULL, letter INTEGER, how TEXT NOT NULL,
    at REAL NOT NULL
);
CREATE TABLE usage (system TEXT NOT NULL, minute INTEGER NOT NULL, requests INTEGER NOT NULL, PRIMARY KEY (system, minute)) WITHOUT ROWID;
"""

VERSION_2 = "ALTER TABLE deliveries ADD COLUMN frees TEXT;"
"""The key that a delivery's record gives up by it."""

RELOADS = """
CREATE TABLE reloads (run INTEGER PRIMARY KEY, at REAL NOT NULL, result TEXT NOT NULL, words TEXT NOT NULL);
"""
"""How the last reload of each run ended; ``words`` names places of files, never values."""

PLACES = """
CREATE TABLE places (
    route TEXT PRIMARY KEY, kind TEXT NOT NULL, system TEXT NOT NULL, object TEXT NOT NULL, adapter TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO places SELECT route, max(kind), max(system), max(object), '' FROM presence WHERE route != '' GROUP BY route;
INSERT OR IGNORE INTO places SELECT route, max(kind), max(system), max(object), '' FROM deliveries
    WHERE state IN ('waiting', 'sending', 'retrying') GROUP BY route;
ALTER TABLE marks ADD COLUMN aside TEXT;
CREATE INDEX marks_by_letter ON marks (letter) WHERE letter IS NOT NULL;
"""
"""Where each route led when the journal was last used; ``marks.aside`` is why a mark cannot be carried out."""

STANDINGS = """
CREATE TABLE standings (
    system TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL, since REAL NOT NULL, until REAL
) WITHOUT ROWID;
"""
"""Systems that wait, are parked or have stopped; in our words, or in words about no record."""

DAYS = """
CREATE TABLE days (day INTEGER PRIMARY KEY, last_event INTEGER NOT NULL);
CREATE INDEX presence_gone ON presence (version_seq) WHERE state != 'present';
"""
"""The last event of each day: how old a tombstone is, told by its version."""

LIMITS = """
CREATE TABLE limits (
    system TEXT PRIMARY KEY, monotonic REAL NOT NULL, wall REAL NOT NULL, boot TEXT NOT NULL, uptime REAL NOT NULL,
    lasting REAL NOT NULL, noted INTEGER NOT NULL, ended INTEGER NOT NULL, pace REAL
) WITHOUT ROWID;
CREATE TABLE reserved (system TEXT NOT NULL, grp TEXT NOT NULL, requests INTEGER NOT NULL, PRIMARY KEY (system, grp)) WITHOUT ROWID;
CREATE TABLE answered (
    system TEXT NOT NULL, grp TEXT NOT NULL, at REAL NOT NULL, requests INTEGER NOT NULL, PRIMARY KEY (system, grp, at)
) WITHOUT ROWID;
INSERT INTO answered SELECT system, '*', (minute + 1) * 60.0, requests FROM usage;
INSERT INTO limits SELECT system, coalesce(max(at), 0.0), coalesce(max(at), 0.0), '', 0.0, 0.0, 0, 0, NULL
    FROM (SELECT system, at FROM answered UNION SELECT system, NULL FROM deliveries UNION SELECT system, NULL FROM presence)
    GROUP BY system;
DROP TABLE usage;
"""
"""Requests by system and group: ``tables/usage.py`` says how they are read."""

PROOFS = """
ALTER TABLE deliveries ADD COLUMN unsure INTEGER NOT NULL DEFAULT 0;
ALTER TABLE presence ADD COLUMN passing TEXT;
ALTER TABLE presence ADD COLUMN held TEXT NOT NULL DEFAULT '';
ALTER TABLE presence ADD COLUMN held_value TEXT NOT NULL DEFAULT '';
ALTER TABLE presence ADD COLUMN held_id TEXT;
ALTER TABLE presence ADD COLUMN proven INTEGER NOT NULL DEFAULT 0;
CREATE INDEX presence_by_held ON presence (held, system, object) WHERE held != '' AND (held != compared OR state != 'present');
DROP INDEX presence_gone;
CREATE INDEX presence_tombstones ON presence (version_seq) WHERE state IN ('left', 'deleted');
CREATE INDEX presence_passing ON presence (record) WHERE passing IS NOT NULL;
CREATE TABLE sent (
    record TEXT NOT NULL, kind TEXT NOT NULL, route TEXT NOT NULL, fields BLOB NOT NULL, PRIMARY KEY (record, kind, route)
) WITHOUT ROWID;
CREATE TABLE sent_key (key BLOB NOT NULL);
INSERT INTO sent_key VALUES (randomblob(32));

-- What the deliveries of an older journal have proved.
CREATE TEMP TABLE life AS
    SELECT p.record, p.kind, p.route, count(*) AS deliveries,
        max(d.state IN ('delivered', 'already_done') AND d.operation != 'delete') AS delivered,
        max(d.state IN ('waiting', 'sending', 'retrying')) AS open,
        max(d.state = 'dead' AND d.operation != 'delete' AND EXISTS (SELECT 1 FROM dead_letters l WHERE l.delivery = d.id
            AND (l.reason LIKE 'given up after %' OR l.reason LIKE 'it may or may not have taken effect%'))) AS doubtful,
        max(iif(d.state IN ('waiting', 'sending', 'retrying') AND d.operation = 'delete', 1, 0)) AS leaving,
        min(iif(d.state IN ('waiting', 'sending', 'retrying') AND d.frees IS NOT NULL, d.id, NULL)) AS moving
    FROM presence p JOIN events e ON e.record = p.record AND e.kind = p.kind JOIN deliveries d ON d.event = e.seq
        AND d.route = p.route AND d.id >= p.born
    WHERE p.route != '' GROUP BY p.record, p.kind, p.route;
CREATE UNIQUE INDEX temp.life_by_place ON life (record, kind, route);
UPDATE presence SET held = compared, held_value = key_value, held_id = vendor_id, proven = 1 WHERE route != '' AND (
    (state = 'present' AND (vendor_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM life l WHERE l.record = presence.record
        AND l.kind = presence.kind AND l.route = presence.route AND NOT l.delivered)))
    OR (state != 'present' AND EXISTS (SELECT 1 FROM life l WHERE l.record = presence.record AND l.kind = presence.kind
        AND l.route = presence.route AND l.leaving)));
UPDATE presence SET held = d.frees, held_value = d.frees FROM life l JOIN deliveries d ON d.id = l.moving
    WHERE l.record = presence.record AND l.kind = presence.kind AND l.route = presence.route AND presence.proven;
UPDATE presence SET held = compared, held_value = key_value FROM life l WHERE l.record = presence.record AND l.kind = presence.kind
    AND l.route = presence.route AND presence.state = 'present' AND NOT proven AND l.doubtful;
UPDATE presence SET state = 'gone' FROM life l WHERE l.record = presence.record AND l.kind = presence.kind
    AND l.route = presence.route AND presence.state = 'present' AND held = '' AND NOT l.open;
DROP TABLE life;
INSERT INTO sent
    SELECT record, kind, route, CAST(json_group_object(field, json_array('', version_time, version_seq, id)) AS BLOB) FROM (
        SELECT p.record, p.kind, p.route, j.key AS field, d.version_time, d.version_seq, max(d.id) AS id
        FROM presence p JOIN events e ON e.record = p.record AND e.kind = p.kind JOIN deliveries d ON d.event = e.seq
            AND d.route = p.route AND d.id >= p.born, json_each(CAST(d.payload AS TEXT)) j
        WHERE p.state = 'present' AND NOT d.whole AND d.state IN ('delivered', 'already_done') AND d.operation != 'delete'
        GROUP BY p.record, p.kind, p.route, j.key)
    GROUP BY record, kind, route;
"""
"""What outcomes have proved of presence, and what was sent of each record where a route remembers it."""

UNREADABLE = """
CREATE TABLE unreadable (route TEXT NOT NULL, field TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (route, field)) WITHOUT ROWID;
"""
"""How many values a conversion could not read, never the values."""

EVIDENCE = "ALTER TABLE positions ADD COLUMN evidence TEXT NOT NULL DEFAULT '';"
"""How a source knows again what it read up to a position."""

KEY_RULES = """
CREATE TABLE key_rules (route TEXT PRIMARY KEY, rule TEXT NOT NULL) WITHOUT ROWID;
"""
"""How the keys of each route were compared when the journal was last used."""

REQUESTS = """
CREATE TABLE source_requests (outcome TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
"""
"""How many requests to a webhook ended how."""

COUNTS = f"""
CREATE TABLE event_counts (state TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE settled_counts (
    route TEXT NOT NULL, system TEXT NOT NULL, state TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (route, system, state)
) WITHOUT ROWID;
{RECOUNT}
DROP INDEX deliveries_open;
CREATE INDEX deliveries_open ON deliveries (system, id, state, route, kind, due_at, read_at) WHERE {IS_OPEN};
DROP INDEX presence_by_key;
CREATE INDEX presence_by_key ON presence (compared) WHERE state = 'present';
"""
"""Counts that are kept as rows change (``tables/counts.py``), an index that answers every question about open deliveries alone, and one
of keys with nothing else in it."""

ENDINGS = "ALTER TABLE runs ADD COLUMN ending TEXT;"
"""How a run ended: a ``RunEnd`` as JSON, in words about no record."""

BESIDE = """
ALTER TABLE positions ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN meta BLOB;
"""
"""The place of an event among those of one offset; what came beside an event's body, as JSON."""

LAGS = """
CREATE TABLE lags (
    partition TEXT PRIMARY KEY, events INTEGER, bytes INTEGER, seconds REAL, next_at REAL, at REAL NOT NULL
) WITHOUT ROWID;
"""
"""How far the source was behind when it was last noted; null for what it does not know."""

ACTIONS = """
CREATE TABLE actions (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, by TEXT NOT NULL, action TEXT NOT NULL, words TEXT NOT NULL, count INTEGER NOT NULL
);
"""
"""What people did by the console, and who; ``words`` say what was chosen, never values of records."""

OPEN_LETTERS = "CREATE INDEX dead_letters_open ON dead_letters (route, code) WHERE state = 'open';"
"""How many dead letters are open is asked by every look at the metrics, and of a million they are not to be read for it."""

KEPT = "ALTER TABLE presence ADD COLUMN kept TEXT;"
"""What a record's delete needs of its last payload, as JSON."""

RUN_NAMES = """
ALTER TABLE runs ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN worker TEXT NOT NULL DEFAULT '';
"""
"""What runs are called outside this journal, and where they ran; empty for those of an earlier version."""

JOBS = """
CREATE TABLE jobs (
    id TEXT PRIMARY KEY, system TEXT NOT NULL, object TEXT NOT NULL, operation TEXT NOT NULL, key_name TEXT NOT NULL,
    stage TEXT NOT NULL, begun_at REAL NOT NULL, started_at REAL NOT NULL, at REAL NOT NULL, vendor_id TEXT NOT NULL,
    kept TEXT NOT NULL, count INTEGER NOT NULL, members TEXT NOT NULL
) WITHOUT ROWID;
"""
"""Jobs that are open; ``members`` are the numbers of their deliveries, as JSON."""

REFERS = "ALTER TABLE deliveries ADD COLUMN refers TEXT;"
"""The records that a delivery refers to, as JSON: [[kind, id], …]."""

PAUSES = """
CREATE TABLE pauses (
    what TEXT NOT NULL, name TEXT NOT NULL, by TEXT NOT NULL, why TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (what, name)
) WITHOUT ROWID;
"""
"""The systems and routes that people paused."""

LOST = "ALTER TABLE runs ADD COLUMN lost_at INTEGER NOT NULL DEFAULT 0;"
"""The last delivery there was when another worker took what a run had not let go of: it may have sent any of them; 0 where none did."""

ALERTS = """
CREATE TABLE receivers (
    id TEXT PRIMARY KEY, host TEXT NOT NULL, shape TEXT NOT NULL, causes TEXT NOT NULL, every REAL NOT NULL, parked REAL NOT NULL,
    lag REAL NOT NULL, failing TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE alerts (
    receiver TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, words TEXT NOT NULL, count INTEGER NOT NULL, passes INTEGER NOT NULL,
    since REAL NOT NULL, told_at REAL NOT NULL, PRIMARY KEY (receiver, kind, subject)
) WITHOUT ROWID;
"""
"""Who is told of what is wrong, and what is: ``runtime/alerts/standing.py``."""

MIGRATIONS = (
    VERSION_1,
    VERSION_2,
    RELOADS,
    PLACES,
    STANDINGS,
    DAYS,
    LIMITS,
    PROOFS,
    UNREADABLE,
    EVIDENCE,
    KEY_RULES,
    REQUESTS,
    COUNTS,
    ENDINGS,
    BESIDE,
    LAGS,
    ACTIONS,
    OPEN_LETTERS,
    KEPT,
    RUN_NAMES,
    JOBS,
    REFERS,
    PAUSES,
    LOST,
    ALERTS,
)
"""``MIGRATIONS[n]`` takes a journal from version n to n + 1; the version stands in SQLite's ``user_version``."""

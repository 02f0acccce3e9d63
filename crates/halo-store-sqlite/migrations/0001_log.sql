-- The log and what is derived from it. Ids are UUIDs as text, instants milliseconds since 1970.

CREATE TABLE conversations (
    id         TEXT PRIMARY KEY,
    meta_seq   INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX conversations_by_time ON conversations (updated_at) WHERE deleted_at IS NULL;

CREATE TABLE records (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation TEXT NOT NULL REFERENCES conversations (id),
    kind         TEXT NOT NULL,
    at           INTEGER NOT NULL,
    json         TEXT NOT NULL,
    crc32        INTEGER NOT NULL
) STRICT;

CREATE INDEX records_by_conversation ON records (conversation, seq);

CREATE TRIGGER records_never_change BEFORE UPDATE ON records
BEGIN
    SELECT RAISE (ABORT, 'records are only ever added');
END;

-- The turn's id is the idempotency key of its submission.
CREATE TABLE turns (
    id           TEXT PRIMARY KEY,
    conversation TEXT NOT NULL REFERENCES conversations (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    id    TEXT PRIMARY KEY,
    seq   INTEGER NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE INDEX attempts_open ON attempts (seq) WHERE ended = 0;

-- The journal of answers that still stream.
CREATE TABLE chunks (
    attempt TEXT NOT NULL REFERENCES attempts (id),
    seq     INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    text    TEXT NOT NULL,
    PRIMARY KEY (attempt, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE blobs (
    id    TEXT PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE facts (
    id   TEXT PRIMARY KEY,
    at   INTEGER NOT NULL,
    json TEXT NOT NULL
) STRICT;

CREATE TABLE tokens (
    kind       TEXT NOT NULL,
    hash       TEXT NOT NULL,
    label      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at    INTEGER,
    PRIMARY KEY (kind, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Turns that are to be sent without a hand: those that wait and those that were never sent, with
-- the time they are due. Derived from the records, in the transaction that adds them. What stood in
-- the log before this table was promised to nobody: such turns are sent when the person says so.

CREATE TABLE open_turns (
    turn         TEXT PRIMARY KEY,
    conversation TEXT NOT NULL REFERENCES conversations (id),
    due          INTEGER NOT NULL,
    seq          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX open_turns_by_due ON open_turns (due, seq);

CREATE INDEX open_turns_by_conversation ON open_turns (conversation);

-- What can be found. Derived from the records, in the transaction that adds them; the words are
-- chosen by halo_store::text_of, so what stood in the log before is filled in by the program.
-- The row stands beside its index because an index of three signs cannot find one or two, which
-- are whole words in Chinese: those are looked for in the rows.

CREATE TABLE search_texts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation TEXT NOT NULL REFERENCES conversations (id),
    kind         TEXT NOT NULL, -- title, user, assistant, error
    item         TEXT NOT NULL, -- the message or the attempt; empty for a title
    at           INTEGER NOT NULL,
    text         TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX search_titles ON search_texts (conversation) WHERE kind = 'title';

CREATE VIRTUAL TABLE search_index USING fts5 (
    text, content = 'search_texts', content_rowid = 'id', tokenize = 'trigram', detail = 'full'
);

CREATE TRIGGER search_added AFTER INSERT ON search_texts
BEGIN
    INSERT INTO search_index (rowid, text) VALUES (new.id, new.text);
END;

CREATE TRIGGER search_removed AFTER DELETE ON search_texts
BEGIN
    INSERT INTO search_index (search_index, rowid, text) VALUES ('delete', old.id, old.text);
END;

-- The number of the last record that was looked at when the tables above were first filled.
CREATE TABLE search_filled (upto INTEGER NOT NULL) STRICT;

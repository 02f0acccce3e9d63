-- What each attempt came to, for figures over many conversations. Derived from the records, in the
-- transaction that adds them; here from those that stand in the log already. It holds nothing that
-- was said.

CREATE TABLE measures (
    attempt       TEXT PRIMARY KEY,
    turn          TEXT NOT NULL,
    provider      TEXT NOT NULL,
    model         TEXT NOT NULL,
    key           INTEGER,
    started_at    INTEGER NOT NULL,
    outcome       TEXT,
    kind          TEXT,
    first_part_ms INTEGER,
    total_ms      INTEGER,
    output_tokens INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX measures_by_time ON measures (started_at);

INSERT OR IGNORE INTO measures (attempt, turn, provider, model, key, started_at)
SELECT json ->> '$.id', json ->> '$.turn', json ->> '$.target.provider', json ->> '$.target.model',
       json ->> '$.key', json ->> '$.at'
FROM (SELECT json FROM records WHERE kind = 'attempt' AND json_valid (json))
WHERE json ->> '$.id' IS NOT NULL AND json ->> '$.turn' IS NOT NULL
  AND json ->> '$.target.provider' IS NOT NULL AND json ->> '$.target.model' IS NOT NULL
  AND json ->> '$.at' IS NOT NULL;

UPDATE measures
SET outcome = ended.outcome, kind = ended.kind, first_part_ms = ended.first_part_ms,
    total_ms = ended.total_ms
FROM (
    SELECT json ->> '$.attempt' AS attempt, json ->> '$.outcome.outcome' AS outcome,
           json ->> '$.outcome.diagnosis.kind' AS kind,
           json ->> '$.first_part_ms' AS first_part_ms, json ->> '$.total_ms' AS total_ms
    FROM (SELECT json FROM records WHERE kind = 'attempt_end' AND json_valid (json))
) AS ended
WHERE ended.attempt = measures.attempt;

UPDATE measures
SET output_tokens = said.output_tokens
FROM (
    SELECT json ->> '$.origin.attempt' AS attempt, json ->> '$.usage.output' AS output_tokens
    FROM (SELECT json FROM records WHERE kind = 'message' AND json_valid (json))
) AS said
WHERE said.attempt = measures.attempt;

-- What a sender's Idempotency-Key stands for: claimed while its sending is in flight, settled with the piece, kept as long as
-- the piece. The key itself is kept as a keyed hash only. A claim that nobody renews any more is free for the next.

CREATE TABLE idempotency_key (
    digest BLOB PRIMARY KEY,
    client_id TEXT NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    operation TEXT NOT NULL,
    token BLOB,
    until INTEGER,
    fingerprint BLOB,
    outcome TEXT,
    exchange_id BLOB,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_key_by_exchange ON idempotency_key (exchange_id) WHERE exchange_id IS NOT NULL;
CREATE INDEX idempotency_key_in_flight ON idempotency_key (until) WHERE until IS NOT NULL;

-- Whether an earlier iteration was missing when the piece came, and how often it came again.
ALTER TABLE exchange ADD COLUMN earlier_missing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE exchange ADD COLUMN repetitions INTEGER NOT NULL DEFAULT 0;

-- They hold the rare rows only: a first deposit that comes once costs nothing here.
CREATE INDEX exchange_by_later_iteration ON exchange (dossier_hash, iteration) WHERE iteration > 1;
CREATE INDEX exchange_of_later_iteration ON exchange (client_id, id) WHERE iteration > 1;
CREATE INDEX exchange_repeated ON exchange (client_id, id) WHERE repetitions > 0;

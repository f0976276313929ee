-- What a sender's Idempotency-Key stands for: claimed while its sending is in flight, settled with the piece, kept as long as
-- the piece. The key itself is kept as a keyed hash only. A claim that nobody renews any more is free for the next.

CREATE TABLE idempotency_key (
    digest bytea PRIMARY KEY,
    client_id text NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    operation text NOT NULL,
    token uuid,
    until bigint,
    fingerprint bytea,
    outcome text,
    exchange_id uuid,
    created_at bigint NOT NULL
);
CREATE INDEX idempotency_key_by_exchange ON idempotency_key (exchange_id) WHERE exchange_id IS NOT NULL;
CREATE INDEX idempotency_key_in_flight ON idempotency_key (until) WHERE until IS NOT NULL;

-- Whether an earlier iteration was missing when the piece came, and how often it came again.
ALTER TABLE exchange ADD COLUMN earlier_missing boolean NOT NULL DEFAULT false;
ALTER TABLE exchange ADD COLUMN repetitions bigint NOT NULL DEFAULT 0;

-- They hold the rare rows only: a first deposit that comes once costs nothing here.
CREATE INDEX exchange_by_later_iteration ON exchange (dossier_hash, iteration) WHERE iteration > 1;
CREATE INDEX exchange_of_later_iteration ON exchange (client_id, id) WHERE iteration > 1;
CREATE INDEX exchange_repeated ON exchange (client_id, id) WHERE repetitions > 0;

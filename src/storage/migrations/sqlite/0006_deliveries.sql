-- An attempt keeps the first bytes of the answer, sealed under the exchange's key, and the redelivery that it belongs to.
ALTER TABLE delivery_attempt ADD COLUMN answer BLOB;
ALTER TABLE delivery_attempt ADD COLUMN redelivery_id BLOB;

-- A return that is sent again because it was asked for; the return names the redelivery that is under way.
ALTER TABLE exchange_return ADD COLUMN redelivery_id BLOB;

CREATE TABLE redelivery (
    id BLOB PRIMARY KEY,
    return_id BLOB NOT NULL,
    exchange_id BLOB NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    project TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    requested_by TEXT NOT NULL,
    state TEXT NOT NULL,
    settled_at INTEGER
);
CREATE INDEX redelivery_by_return ON redelivery (return_id);

-- A partner that has failed since its last answer. Once it fails again and again, it is probed at `next_probe_at` only.
CREATE TABLE callback_target (
    project TEXT PRIMARY KEY,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    failures INTEGER NOT NULL,
    failing_since INTEGER NOT NULL,
    probes INTEGER NOT NULL,
    next_probe_at INTEGER
) WITHOUT ROWID;

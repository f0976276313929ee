-- An attempt keeps the first bytes of the answer, sealed under the exchange's key, and the redelivery that it belongs to.
ALTER TABLE delivery_attempt ADD COLUMN answer bytea;
ALTER TABLE delivery_attempt ADD COLUMN redelivery_id uuid;

-- A return that is sent again because it was asked for; the return names the redelivery that is under way.
ALTER TABLE exchange_return ADD COLUMN redelivery_id uuid;

CREATE TABLE redelivery (
    id uuid PRIMARY KEY,
    return_id uuid NOT NULL,
    exchange_id uuid NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    project text NOT NULL,
    requested_at bigint NOT NULL,
    requested_by text NOT NULL,
    state text NOT NULL,
    settled_at bigint
);
CREATE INDEX redelivery_by_return ON redelivery (return_id);

-- A partner that has failed since its last answer. Once it fails again and again, it is probed at `next_probe_at` only.
CREATE TABLE callback_target (
    project text PRIMARY KEY,
    partner text NOT NULL,
    environment text NOT NULL,
    failures bigint NOT NULL,
    failing_since bigint NOT NULL,
    probes bigint NOT NULL,
    next_probe_at bigint
);

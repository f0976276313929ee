-- What is purged keeps its row: ids, digests, sizes and dates. Its sealed columns are emptied, its wrapped keys gone.

ALTER TABLE exchange ADD COLUMN purged_at bigint;
ALTER TABLE exchange_return ADD COLUMN purged_at bigint;
ALTER TABLE document ADD COLUMN purged_at bigint;
ALTER TABLE project_key ADD COLUMN destroyed_at bigint;

-- What was acknowledged and is not purged, in the order in which its term ends.
CREATE INDEX exchange_return_due ON exchange_return (project, acknowledged_at, id)
    WHERE acknowledged_at IS NOT NULL AND purged_at IS NULL;

-- The blobs of purged documents, until their files are gone.
CREATE TABLE blob_removal (
    document_id uuid PRIMARY KEY,
    purge_id uuid NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    queued_at bigint NOT NULL
);

CREATE TABLE legal_hold (
    id uuid PRIMARY KEY,
    environment text NOT NULL,
    project text NOT NULL,
    dossier_hash bytea NOT NULL,
    reason text NOT NULL,
    added_by text NOT NULL,
    added_at bigint NOT NULL,
    lifted_reason text,
    lifted_by text,
    lifted_at bigint
);
CREATE UNIQUE INDEX legal_hold_in_force ON legal_hold (project, dossier_hash) WHERE lifted_at IS NULL;
CREATE INDEX legal_hold_by_date ON legal_hold (added_at, id);

CREATE TABLE purge_run (
    id uuid PRIMARY KEY,
    environment text NOT NULL,
    started_at bigint NOT NULL,
    ended_at bigint,
    run_by text NOT NULL,
    reason text,
    confirmed_clock boolean NOT NULL,
    exchanges bigint NOT NULL,
    documents bigint NOT NULL,
    bytes bigint NOT NULL,
    keys_destroyed bigint NOT NULL,
    kept_back bigint NOT NULL,
    fault text
);
CREATE INDEX purge_run_by_date ON purge_run (started_at);

-- When the house last looked at the clock.
CREATE TABLE clock_mark (
    name text PRIMARY KEY,
    at bigint NOT NULL
);

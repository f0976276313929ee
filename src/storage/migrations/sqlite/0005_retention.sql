-- What is purged keeps its row: ids, digests, sizes and dates. Its sealed columns are emptied, its wrapped keys gone.

ALTER TABLE exchange ADD COLUMN purged_at INTEGER;
ALTER TABLE exchange_return ADD COLUMN purged_at INTEGER;
ALTER TABLE document ADD COLUMN purged_at INTEGER;
ALTER TABLE project_key ADD COLUMN destroyed_at INTEGER;

-- What was acknowledged and is not purged, in the order in which its term ends.
CREATE INDEX exchange_return_due ON exchange_return (project, acknowledged_at, id)
    WHERE acknowledged_at IS NOT NULL AND purged_at IS NULL;

-- The blobs of purged documents, until their files are gone.
CREATE TABLE blob_removal (
    document_id BLOB PRIMARY KEY,
    purge_id BLOB NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    queued_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE legal_hold (
    id BLOB PRIMARY KEY,
    environment TEXT NOT NULL,
    project TEXT NOT NULL,
    dossier_hash BLOB NOT NULL,
    reason TEXT NOT NULL,
    added_by TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    lifted_reason TEXT,
    lifted_by TEXT,
    lifted_at INTEGER
);
CREATE UNIQUE INDEX legal_hold_in_force ON legal_hold (project, dossier_hash) WHERE lifted_at IS NULL;
CREATE INDEX legal_hold_by_date ON legal_hold (added_at, id);

CREATE TABLE purge_run (
    id BLOB PRIMARY KEY,
    environment TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    run_by TEXT NOT NULL,
    reason TEXT,
    confirmed_clock INTEGER NOT NULL,
    exchanges INTEGER NOT NULL,
    documents INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    keys_destroyed INTEGER NOT NULL,
    kept_back INTEGER NOT NULL,
    fault TEXT
);
CREATE INDEX purge_run_by_date ON purge_run (started_at);

-- When the house last looked at the clock.
CREATE TABLE clock_mark (
    name TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) WITHOUT ROWID;

-- An archive is one exchange of several pieces. The archive as it came is one blob; its files are documents that lie in that
-- blob (or in the one that a compressed tar was unpacked into), at an offset, and have no blob of their own.

ALTER TABLE document ADD COLUMN piece_id BLOB;
ALTER TABLE document ADD COLUMN container_id BLOB;
ALTER TABLE document ADD COLUMN container_offset INTEGER;
ALTER TABLE document ADD COLUMN container_length INTEGER;
ALTER TABLE document ADD COLUMN container_method TEXT;
CREATE INDEX document_by_piece ON document (piece_id) WHERE piece_id IS NOT NULL;

-- A receipt that names entries of an archive is sealed under its exchange's key, and goes with it.
ALTER TABLE receipt ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0;

-- Written before the first byte is spooled, so that the sweep knows the blob; its exchange appears with its last batch.
CREATE TABLE archive (
    exchange_id BLOB PRIMARY KEY,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    project TEXT NOT NULL,
    depot TEXT NOT NULL,
    flow TEXT NOT NULL,
    name_hash BLOB NOT NULL,
    name BLOB,
    state TEXT NOT NULL,
    format TEXT,
    container_id BLOB NOT NULL,
    unpacked_id BLOB,
    pieces INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    token BLOB,
    began_at INTEGER NOT NULL,
    receipted_at INTEGER,
    left_at INTEGER
);
CREATE INDEX archive_by_depot ON archive (depot, exchange_id);
CREATE INDEX archive_unfinished ON archive (depot) WHERE state IN ('spooling', 'staging');

-- The dossiers of an archive: one, or those of a batch. Holds and views look for a dossier here too.
CREATE TABLE exchange_dossier (
    exchange_id BLOB NOT NULL,
    ordinal INTEGER NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    dossier_hash BLOB NOT NULL,
    iteration INTEGER NOT NULL,
    metadata BLOB NOT NULL,
    PRIMARY KEY (exchange_id, ordinal)
) WITHOUT ROWID;
CREATE INDEX exchange_dossier_by_hash ON exchange_dossier (dossier_hash, exchange_id);

-- The pieces of an archive, in their order. Nobody sees them before their exchange is there.
CREATE TABLE archive_piece (
    id BLOB PRIMARY KEY,
    exchange_id BLOB NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    dossier INTEGER NOT NULL,
    natural_key BLOB NOT NULL,
    sha256 BLOB NOT NULL,
    state TEXT NOT NULL,
    metadata BLOB NOT NULL,
    outcome TEXT,
    result BLOB
);
CREATE UNIQUE INDEX archive_piece_by_exchange ON archive_piece (exchange_id, ordinal);

-- A file of a depot that was taken, until its receipt stands there and it has left: it is not taken twice meanwhile.
CREATE TABLE depot_file (
    id BLOB PRIMARY KEY,
    exchange_id BLOB NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    depot TEXT NOT NULL,
    flow TEXT NOT NULL,
    name_hash BLOB NOT NULL,
    name BLOB NOT NULL,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    receipt BLOB NOT NULL,
    cms BLOB NOT NULL,
    taken_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX depot_file_by_name ON depot_file (depot, flow, name_hash);
CREATE INDEX depot_file_by_exchange ON depot_file (exchange_id);

-- An archive is one exchange of several pieces. The archive as it came is one blob; its files are documents that lie in that
-- blob (or in the one that a compressed tar was unpacked into), at an offset, and have no blob of their own.

ALTER TABLE document ADD COLUMN piece_id uuid;
ALTER TABLE document ADD COLUMN container_id uuid;
ALTER TABLE document ADD COLUMN container_offset bigint;
ALTER TABLE document ADD COLUMN container_length bigint;
ALTER TABLE document ADD COLUMN container_method text;
CREATE INDEX document_by_piece ON document (piece_id) WHERE piece_id IS NOT NULL;

-- A receipt that names entries of an archive is sealed under its exchange's key, and goes with it.
ALTER TABLE receipt ADD COLUMN sealed boolean NOT NULL DEFAULT false;

-- Written before the first byte is spooled, so that the sweep knows the blob; its exchange appears with its last batch.
CREATE TABLE archive (
    exchange_id uuid PRIMARY KEY,
    partner text NOT NULL,
    environment text NOT NULL,
    project text NOT NULL,
    depot text NOT NULL,
    flow text NOT NULL,
    name_hash bytea NOT NULL,
    name bytea,
    state text NOT NULL,
    format text,
    container_id uuid NOT NULL,
    unpacked_id uuid,
    pieces bigint NOT NULL,
    accepted bigint NOT NULL,
    token uuid,
    began_at bigint NOT NULL,
    receipted_at bigint,
    left_at bigint
);
CREATE INDEX archive_by_depot ON archive (depot, exchange_id);
CREATE INDEX archive_unfinished ON archive (depot) WHERE state IN ('spooling', 'staging');

-- The dossiers of an archive: one, or those of a batch. Holds and views look for a dossier here too.
CREATE TABLE exchange_dossier (
    exchange_id uuid NOT NULL,
    ordinal bigint NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    dossier_hash bytea NOT NULL,
    iteration bigint NOT NULL,
    metadata bytea NOT NULL,
    PRIMARY KEY (exchange_id, ordinal)
);
CREATE INDEX exchange_dossier_by_hash ON exchange_dossier (dossier_hash, exchange_id);

-- The pieces of an archive, in their order. Nobody sees them before their exchange is there.
CREATE TABLE archive_piece (
    id uuid PRIMARY KEY,
    exchange_id uuid NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    ordinal bigint NOT NULL,
    dossier bigint NOT NULL,
    natural_key bytea NOT NULL,
    sha256 bytea NOT NULL,
    state text NOT NULL,
    metadata bytea NOT NULL,
    outcome text,
    result bytea
);
CREATE UNIQUE INDEX archive_piece_by_exchange ON archive_piece (exchange_id, ordinal);

-- A file of a depot that was taken, until its receipt stands there and it has left: it is not taken twice meanwhile.
CREATE TABLE depot_file (
    id uuid PRIMARY KEY,
    exchange_id uuid NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    depot text NOT NULL,
    flow text NOT NULL,
    name_hash bytea NOT NULL,
    name bytea NOT NULL,
    size bigint NOT NULL,
    modified bigint NOT NULL,
    verdict text NOT NULL,
    receipt bytea NOT NULL,
    cms bytea NOT NULL,
    taken_at bigint NOT NULL
);
CREATE UNIQUE INDEX depot_file_by_name ON depot_file (depot, flow, name_hash);
CREATE INDEX depot_file_by_exchange ON depot_file (exchange_id);

-- Instants are microseconds since 1970. Ids are UUIDv7 in 16 bytes, so their order is that of their dates.
-- Personal data stand only in sealed columns, beside the wrapped key that opens them and the project key that wraps it.
-- Uniqueness that spans time is kept in narrow tables of its own, so that the large ones can be partitioned by month.

CREATE TABLE client (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    scopes TEXT NOT NULL,
    projects TEXT NOT NULL,
    source_applications TEXT NOT NULL,
    certificate_sha256 BLOB,
    secret_sha256 BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER
) WITHOUT ROWID;

CREATE TABLE project_key (
    id BLOB PRIMARY KEY,
    project TEXT NOT NULL,
    purpose TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (project, purpose)
) WITHOUT ROWID;

CREATE TABLE exchange (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    client_id TEXT NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    project TEXT NOT NULL,
    source_application TEXT NOT NULL,
    iteration INTEGER NOT NULL,
    status TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    request_bytes INTEGER NOT NULL,
    dossier_hash BLOB NOT NULL,
    size INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    key_id BLOB NOT NULL,
    wrapped_key BLOB NOT NULL,
    metadata BLOB NOT NULL
);
CREATE INDEX exchange_by_client ON exchange (client_id, id);
CREATE INDEX exchange_by_dossier ON exchange (dossier_hash, id);
CREATE INDEX exchange_by_digest ON exchange (sha256, id);
CREATE INDEX exchange_by_status ON exchange (project, status, id);

CREATE TABLE document (
    id BLOB PRIMARY KEY,
    exchange_id BLOB NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    role TEXT NOT NULL,
    file_name BLOB,
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    key_id BLOB NOT NULL,
    wrapped_key BLOB NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX document_by_exchange ON document (exchange_id);

CREATE TABLE receipt (
    exchange_id BLOB PRIMARY KEY,
    id BLOB NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    body BLOB NOT NULL,
    cms BLOB NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE TABLE natural_key (
    digest BLOB PRIMARY KEY,
    exchange_id BLOB NOT NULL,
    sha256 BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE result (
    exchange_id BLOB PRIMARY KEY,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    key_id BLOB NOT NULL,
    body BLOB NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE TABLE return_once (
    exchange_id BLOB PRIMARY KEY,
    return_id BLOB NOT NULL UNIQUE
) WITHOUT ROWID;

CREATE TABLE exchange_return (
    id BLOB PRIMARY KEY,
    exchange_id BLOB NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    project TEXT NOT NULL,
    outcome TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at INTEGER,
    acknowledged_at INTEGER,
    key_id BLOB NOT NULL,
    body BLOB NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX exchange_return_by_exchange ON exchange_return (exchange_id);

CREATE TABLE delivery_attempt (
    id BLOB PRIMARY KEY,
    return_id BLOB NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    http_status INTEGER,
    failure TEXT
);
CREATE INDEX delivery_attempt_by_return ON delivery_attempt (return_id);

CREATE TABLE acknowledgment (
    return_id BLOB PRIMARY KEY,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    at INTEGER NOT NULL,
    http_status INTEGER NOT NULL,
    headers TEXT NOT NULL,
    key_id BLOB NOT NULL,
    body BLOB NOT NULL,
    peer_sha256 BLOB,
    partner_reference TEXT
);

-- Entries are only ever inserted. Their numbers stand in a narrow table of their own, given by the sequencer to what waits.
CREATE TABLE journal (
    id BLOB PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    exchange_id BLOB,
    project TEXT,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX journal_by_exchange ON journal (exchange_id, at);

CREATE TABLE journal_pending (
    entry_id BLOB PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE journal_link (
    seq INTEGER PRIMARY KEY,
    entry_id BLOB NOT NULL UNIQUE,
    chain BLOB NOT NULL
);

CREATE TABLE job (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    lane TEXT NOT NULL,
    subject BLOB NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    lease_token BLOB,
    last_fault TEXT,
    created_at INTEGER NOT NULL
);
CREATE INDEX job_ready ON job (lane, run_at) WHERE state = 'queued';
CREATE INDEX job_by_subject ON job (subject);

CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    token BLOB NOT NULL,
    until INTEGER NOT NULL
) WITHOUT ROWID;

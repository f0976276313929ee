-- Instants are microseconds since 1970. Ids are UUIDv7, so their order is that of their dates.
-- Personal data stand only in sealed columns, beside the wrapped key that opens them and the project key that wraps it.
-- Uniqueness that spans time is kept in narrow tables of its own, so that the large ones can be partitioned by month.

CREATE TABLE client (
    id text PRIMARY KEY,
    name text NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    scopes jsonb NOT NULL,
    projects jsonb NOT NULL,
    source_applications jsonb NOT NULL,
    certificate_sha256 bytea,
    secret_sha256 bytea NOT NULL,
    created_at bigint NOT NULL,
    revoked_at bigint
);

CREATE TABLE project_key (
    id uuid PRIMARY KEY,
    project text NOT NULL,
    purpose text NOT NULL,
    wrapped bytea NOT NULL,
    created_at bigint NOT NULL,
    UNIQUE (project, purpose)
);

CREATE TABLE exchange (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    client_id text NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    project text NOT NULL,
    source_application text NOT NULL,
    iteration bigint NOT NULL,
    status text NOT NULL,
    received_at bigint NOT NULL,
    request_bytes bigint NOT NULL,
    dossier_hash bytea NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    key_id uuid NOT NULL,
    wrapped_key bytea NOT NULL,
    metadata bytea NOT NULL
);
CREATE INDEX exchange_by_client ON exchange (client_id, id);
CREATE INDEX exchange_by_dossier ON exchange (dossier_hash, id);
CREATE INDEX exchange_by_digest ON exchange (sha256, id);
CREATE INDEX exchange_by_status ON exchange (project, status, id);

CREATE TABLE document (
    id uuid PRIMARY KEY,
    exchange_id uuid NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    role text NOT NULL,
    file_name bytea,
    media_type text NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    key_id uuid NOT NULL,
    wrapped_key bytea NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX document_by_exchange ON document (exchange_id);

CREATE TABLE receipt (
    exchange_id uuid PRIMARY KEY,
    id uuid NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    body bytea NOT NULL,
    cms bytea NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE natural_key (
    digest bytea PRIMARY KEY,
    exchange_id uuid NOT NULL,
    sha256 bytea NOT NULL
);

CREATE TABLE result (
    exchange_id uuid PRIMARY KEY,
    partner text NOT NULL,
    environment text NOT NULL,
    key_id uuid NOT NULL,
    body bytea NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE return_once (
    exchange_id uuid PRIMARY KEY,
    return_id uuid NOT NULL UNIQUE
);

CREATE TABLE exchange_return (
    id uuid PRIMARY KEY,
    exchange_id uuid NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    project text NOT NULL,
    outcome text NOT NULL,
    state text NOT NULL,
    attempts bigint NOT NULL,
    next_attempt_at bigint,
    acknowledged_at bigint,
    key_id uuid NOT NULL,
    body bytea NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX exchange_return_by_exchange ON exchange_return (exchange_id);

CREATE TABLE delivery_attempt (
    id uuid PRIMARY KEY,
    return_id uuid NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    at bigint NOT NULL,
    duration_ms bigint NOT NULL,
    http_status bigint,
    failure text
);
CREATE INDEX delivery_attempt_by_return ON delivery_attempt (return_id);

CREATE TABLE acknowledgment (
    return_id uuid PRIMARY KEY,
    partner text NOT NULL,
    environment text NOT NULL,
    at bigint NOT NULL,
    http_status bigint NOT NULL,
    headers jsonb NOT NULL,
    key_id uuid NOT NULL,
    body bytea NOT NULL,
    peer_sha256 bytea,
    partner_reference text
);

-- Entries are only ever inserted. Their numbers stand in a narrow table of their own, given by the sequencer to what waits.
CREATE TABLE journal (
    id uuid PRIMARY KEY,
    at bigint NOT NULL,
    kind text NOT NULL,
    exchange_id uuid,
    project text,
    partner text NOT NULL,
    environment text NOT NULL,
    detail text NOT NULL
);
CREATE INDEX journal_by_exchange ON journal (exchange_id, at);

CREATE TABLE journal_pending (
    entry_id uuid PRIMARY KEY
);

CREATE TABLE journal_link (
    seq bigint PRIMARY KEY,
    entry_id uuid NOT NULL UNIQUE,
    chain bytea NOT NULL
);

CREATE TABLE job (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    lane text NOT NULL,
    subject uuid NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    state text NOT NULL,
    attempts bigint NOT NULL,
    run_at bigint NOT NULL,
    lease_token uuid,
    last_fault text,
    created_at bigint NOT NULL
);
CREATE INDEX job_ready ON job (lane, run_at) WHERE state = 'queued';
CREATE INDEX job_by_subject ON job (subject);

CREATE TABLE lease (
    name text PRIMARY KEY,
    token uuid NOT NULL,
    until bigint NOT NULL
);

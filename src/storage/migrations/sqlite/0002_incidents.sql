-- One row per cause, not per occurrence (TRC-2). Its id comes from the cause itself, so that an occurrence finds it.
-- Never personal data: ids, digests, dates and codes.

CREATE TABLE incident (
    id BLOB PRIMARY KEY,
    code TEXT NOT NULL,
    project TEXT,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    exchange_id BLOB,
    state TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    acknowledged_at INTEGER,
    acknowledged_by TEXT,
    resolved_at INTEGER,
    resolved_by TEXT,
    called_at INTEGER,
    called_by TEXT,
    call_note TEXT,
    mail_after INTEGER NOT NULL,
    mailed_at INTEGER,
    detail TEXT NOT NULL
);
CREATE INDEX incident_by_opening ON incident (opened_at, id);
CREATE INDEX incident_by_state ON incident (state, opened_at, id);
CREATE INDEX incident_by_project ON incident (project, opened_at, id);
CREATE INDEX incident_by_exchange ON incident (exchange_id) WHERE exchange_id IS NOT NULL;

-- One row per cause, not per occurrence (TRC-2). Its id comes from the cause itself, so that an occurrence finds it.
-- Never personal data: ids, digests, dates and codes.

CREATE TABLE incident (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    project text,
    partner text NOT NULL,
    environment text NOT NULL,
    exchange_id uuid,
    state text NOT NULL,
    count bigint NOT NULL,
    first_at bigint NOT NULL,
    opened_at bigint NOT NULL,
    last_at bigint NOT NULL,
    acknowledged_at bigint,
    acknowledged_by text,
    resolved_at bigint,
    resolved_by text,
    called_at bigint,
    called_by text,
    call_note text,
    mail_after bigint NOT NULL,
    mailed_at bigint,
    detail jsonb NOT NULL
);
CREATE INDEX incident_by_opening ON incident (opened_at, id);
CREATE INDEX incident_by_state ON incident (state, opened_at, id);
CREATE INDEX incident_by_project ON incident (project, opened_at, id);
CREATE INDEX incident_by_exchange ON incident (exchange_id) WHERE exchange_id IS NOT NULL;

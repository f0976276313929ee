-- A return that leaves through a depot: the sealed archive, its file's name there, and how long its acknowledgment is awaited.
CREATE TABLE return_file (
    return_id uuid PRIMARY KEY,
    exchange_id uuid NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    depot text NOT NULL,
    flow text NOT NULL,
    document_id uuid NOT NULL,
    name bytea NOT NULL,
    sent_at bigint,
    deadline_at bigint,
    overdue_at bigint
);
CREATE INDEX return_file_by_exchange ON return_file (exchange_id);

-- An acknowledgment that came as a file has no status (0) and no headers; the signature beside it is kept, sealed.
ALTER TABLE acknowledgment ADD COLUMN signature bytea;

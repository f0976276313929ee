-- A return that leaves through a depot: the sealed archive, its file's name there, and how long its acknowledgment is awaited.
CREATE TABLE return_file (
    return_id BLOB PRIMARY KEY,
    exchange_id BLOB NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    depot TEXT NOT NULL,
    flow TEXT NOT NULL,
    document_id BLOB NOT NULL,
    name BLOB NOT NULL,
    sent_at INTEGER,
    deadline_at INTEGER,
    overdue_at INTEGER
);
CREATE INDEX return_file_by_exchange ON return_file (exchange_id);

-- An acknowledgment that came as a file has no status (0) and no headers; the signature beside it is kept, sealed.
ALTER TABLE acknowledgment ADD COLUMN signature BLOB;

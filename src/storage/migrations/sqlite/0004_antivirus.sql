-- What the antivirus said of a document: one verdict, given once. A document that must have one and has none goes nowhere.

CREATE TABLE scan (
    document_id BLOB PRIMARY KEY,
    exchange_id BLOB NOT NULL,
    partner TEXT NOT NULL,
    environment TEXT NOT NULL,
    verdict TEXT NOT NULL,
    signature TEXT,
    at INTEGER NOT NULL
);
CREATE INDEX scan_by_exchange ON scan (exchange_id);

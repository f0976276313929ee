-- What the antivirus said of a document: one verdict, given once. A document that must have one and has none goes nowhere.

CREATE TABLE scan (
    document_id uuid PRIMARY KEY,
    exchange_id uuid NOT NULL,
    partner text NOT NULL,
    environment text NOT NULL,
    verdict text NOT NULL,
    signature text,
    at bigint NOT NULL
);
CREATE INDEX scan_by_exchange ON scan (exchange_id);

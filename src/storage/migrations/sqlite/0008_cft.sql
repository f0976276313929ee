-- Transfers of Axway's Transfer CFT: what the monitor calls them, what became of them, and which exchange they are of.
CREATE TABLE cft_transfer (
    id BLOB PRIMARY KEY,
    environment TEXT NOT NULL,
    depot TEXT NOT NULL,
    direction TEXT NOT NULL,
    part TEXT NOT NULL,
    idf TEXT NOT NULL,
    idtu TEXT,
    ida TEXT,
    exchange_id BLOB,
    state TEXT NOT NULL,
    cause TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX cft_transfer_by_idtu ON cft_transfer (depot, idtu) WHERE idtu IS NOT NULL;
CREATE UNIQUE INDEX cft_transfer_by_ida ON cft_transfer (depot, ida) WHERE ida IS NOT NULL;
CREATE INDEX cft_transfer_by_exchange ON cft_transfer (exchange_id) WHERE exchange_id IS NOT NULL;
CREATE INDEX cft_transfer_by_date ON cft_transfer (created_at, id);

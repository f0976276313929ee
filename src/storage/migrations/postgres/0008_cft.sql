-- Transfers of Axway's Transfer CFT: what the monitor calls them, what became of them, and which exchange they are of.
CREATE TABLE cft_transfer (
    id uuid PRIMARY KEY,
    environment text NOT NULL,
    depot text NOT NULL,
    direction text NOT NULL,
    part text NOT NULL,
    idf text NOT NULL,
    idtu text,
    ida text,
    exchange_id uuid,
    state text NOT NULL,
    cause text,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE INDEX cft_transfer_by_idtu ON cft_transfer (depot, idtu) WHERE idtu IS NOT NULL;
CREATE UNIQUE INDEX cft_transfer_by_ida ON cft_transfer (depot, ida) WHERE ida IS NOT NULL;
CREATE INDEX cft_transfer_by_exchange ON cft_transfer (exchange_id) WHERE exchange_id IS NOT NULL;
CREATE INDEX cft_transfer_by_date ON cft_transfer (created_at, id);

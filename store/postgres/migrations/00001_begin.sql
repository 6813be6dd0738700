-- The first schema. Text that names things is compared octet by octet (COLLATE
-- "C"), as the lists promise. A time that is not there is NULL. "rev" is the
-- random number of the batch that wrote a row: whoever has read the row knows by
-- it whether it is still the same.

-- +goose Up

-- The nodes at work. A node's row is its gate: it changes it in every batch,
-- first, and so holds it until the batch is committed. Who holds all of them
-- writes alone. Slot 0 is nobody's: it is held while nodes come, and by whoever
-- is about to write alone.
CREATE TABLE nodes (
    slot        smallint    PRIMARY KEY,
    node        bytea       NOT NULL,                    -- 16 random octets; empty in slot 0
    batch       bigint      NOT NULL,                    -- the last one that it committed
    epoch       bigint      NOT NULL,                    -- counts changes of the reference tables; the same in every row
    schema      integer     NOT NULL,                    -- the lowest that a program must know to work on
    seen_at     timestamptz NOT NULL
) WITH (fillfactor = 20);
INSERT INTO nodes VALUES (0, '', 0, 0, 1, now());

-- Reference tables: read by many batches and changed only by one that is alone.

CREATE TABLE installation (
    one             boolean PRIMARY KEY CHECK (one),
    pseudonym_key   bytea,
    break_glass     bytea,
    break_glass_set timestamptz
);

CREATE TABLE people (
    pseudonym  text COLLATE "C" PRIMARY KEY,
    principal  text NOT NULL,
    name       text NOT NULL,
    first_seen timestamptz
);

CREATE TABLE issuers (
    id           text COLLATE "C" PRIMARY KEY,
    der          bytea,
    activated_at timestamptz
);

CREATE TABLE fleets (
    id     text COLLATE "C" PRIMARY KEY,
    parent text COLLATE "C" NOT NULL,                    -- empty for the root
    name   text COLLATE "C" NOT NULL
);
CREATE INDEX fleets_by_name ON fleets (parent, name);    -- whoever writes a fleet is alone and looks first

CREATE TABLE orders (
    id         text COLLATE "C" PRIMARY KEY,
    fleet      text COLLATE "C" NOT NULL,
    model      text COLLATE "C" NOT NULL,
    quantity   integer NOT NULL,
    profile    text NOT NULL,
    opens      timestamptz,
    closes     timestamptz,
    manifest   boolean NOT NULL,
    stations   text[],
    closed_at  timestamptz,
    created_at timestamptz,
    version    bigint NOT NULL
);
CREATE INDEX orders_by_fleet ON orders (fleet, id);

CREATE TABLE shards (
    issuer      text COLLATE "C",
    shard       text COLLATE "C",
    changes     bigint NOT NULL,
    published   bigint NOT NULL,
    number      bigint NOT NULL,
    this_update timestamptz,
    next_update timestamptz,
    issued      bigint NOT NULL,
    PRIMARY KEY (issuer, shard)
);

CREATE TABLE crls (
    issuer text COLLATE "C",
    shard  text COLLATE "C",
    der    bytea NOT NULL,
    PRIMARY KEY (issuer, shard)
);
ALTER TABLE crls ALTER COLUMN der SET STORAGE EXTERNAL;

CREATE TABLE crl_entries (
    issuer text COLLATE "C",
    shard  text COLLATE "C",
    serial bytea,
    der    bytea NOT NULL,
    PRIMARY KEY (issuer, shard, serial)
);

-- Counters, in one row for each node that counts, so that nodes do not wait for
-- each other.

CREATE TABLE order_counts (
    order_id text COLLATE "C",
    slot     smallint,                                   -- 0 is held by whoever shares out the quota
    taken    integer NOT NULL,
    granted  integer NOT NULL CHECK (granted >= taken),
    rev      bigint  NOT NULL,
    PRIMARY KEY (order_id, slot)
) WITH (fillfactor = 20);

CREATE TABLE order_refusals (
    order_id text COLLATE "C",
    code     text COLLATE "C",
    slot     smallint,
    n        bigint NOT NULL,
    rev      bigint NOT NULL,
    PRIMARY KEY (order_id, code, slot)
) WITH (fillfactor = 50);

-- Devices and what they hold. No column that changes when a device is enrolled or
-- renews stands in an index, so that it is changed in place (HOT).

CREATE TABLE devices (
    id                 text COLLATE "C" PRIMARY KEY,
    fleet              text COLLATE "C" NOT NULL,
    order_id           text NOT NULL,
    state              text NOT NULL,
    rare_state         text COLLATE "C",                 -- state, where it is one that few devices are in
    owner              text NOT NULL,
    version            bigint NOT NULL,
    created_at         timestamptz NOT NULL,
    changed_at         timestamptz,
    issued             bigint NOT NULL,
    newest             bytea,                            -- see row_device.go
    live               bytea,
    ticket_order       text,                             -- NULL for no ticket
    ticket_hash        bytea,
    ticket_drawn_at    timestamptz,
    ticket_used_by     bytea,
    enrolment_order    text,                             -- NULL before it is enrolled
    enrolment_key      bytea,
    enrolment_serial   bytea,
    reenrol_by         text,                             -- NULL for no permission
    reenrol_at         timestamptz,
    reenrol_until      timestamptz,
    clone_suspected_at timestamptz,
    forked_at          timestamptz,
    rev                bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX devices_by_fleet ON devices (fleet, created_at, id);
CREATE INDEX devices_by_state ON devices (rare_state, id) WHERE rare_state IS NOT NULL;

-- A device's story (kind 1: number is a record's index) and its lineage (kind 2:
-- number says the how-manieth certificate) are neighbours in one index.
CREATE TABLE device_entries (
    device text COLLATE "C",
    kind   smallint,
    number bigint,
    serial bytea,
    PRIMARY KEY (device, kind, number)
);

CREATE TABLE keys (
    hash        bytea PRIMARY KEY,                       -- SHA-256 of the SubjectPublicKeyInfo
    device      text NOT NULL,
    compromised boolean NOT NULL,
    rev         bigint NOT NULL
);

-- Serial numbers sort by expiry, so that a partition is a month of expiry.
CREATE TABLE certificates (
    serial      bytea,
    der         bytea,
    issuer      text NOT NULL,
    shard       text NOT NULL,
    profile     text NOT NULL,
    device      text COLLATE "C" NOT NULL,               -- empty for Touchmark's own
    predecessor bytea,
    number      bigint NOT NULL,
    key         bytea NOT NULL,
    not_before  timestamptz,
    status      text NOT NULL,
    reason      smallint NOT NULL,
    revoked_at  timestamptz,
    rev         bigint NOT NULL,
    PRIMARY KEY (serial)
) PARTITION BY RANGE (serial);
ALTER TABLE certificates ALTER COLUMN der SET STORAGE EXTERNAL;
CREATE TABLE certificates_other PARTITION OF certificates DEFAULT; -- for what is no serial number of ours

-- certificates_month makes the partitions of the month that holds a time, in
-- milliseconds since 1970, and of the month after it, where they are missing. A
-- partition is made apart and then attached, which keeps nobody waiting.
-- +goose StatementBegin
CREATE FUNCTION certificates_month(ms bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first timestamp := date_trunc('month', timestamp '1970-01-01' + ms * interval '1 millisecond');
    month timestamp;
    part  text;
BEGIN
    FOR month IN SELECT first UNION ALL SELECT first + interval '1 month' LOOP
        part := 'certificates_' || to_char(month, 'FMYYYY_MM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE certificates INCLUDING ALL) WITH (fillfactor = 95)', part);
        EXECUTE format('ALTER TABLE certificates ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part,
            '\x40' || lpad(to_hex((extract(epoch FROM month) * 1000)::bigint), 12, '0'),
            '\x40' || lpad(to_hex((extract(epoch FROM month + interval '1 month') * 1000)::bigint), 12, '0'));
    END LOOP;
END $$;
-- +goose StatementEnd

-- The log. A batch that is not alone leaves its events here, in one row, until
-- the sequencer numbers them.

CREATE TABLE pending (
    id      bytea PRIMARY KEY,                           -- 16 random octets
    at      timestamptz NOT NULL,                        -- the database's clock, while what they tell of was held
    devices text[]  NOT NULL,
    events  bytea[] NOT NULL
);

CREATE TABLE records (
    index  bigint PRIMARY KEY,
    data   bytea NOT NULL,                               -- the leaf of the Merkle tree
    hashes bytea NOT NULL                                -- what tlog stores for it: the hashes that it completed, 32 octets each
);

CREATE TABLE log (
    one        boolean PRIMARY KEY CHECK (one),
    size       bigint NOT NULL,
    root       bytea  NOT NULL,                          -- of the tree of size records
    holder     bytea  NOT NULL,                          -- the node whose turn it is to number
    fence      bigint NOT NULL,                          -- counts the holders
    expires_at timestamptz NOT NULL                      -- when another may take over
) WITH (fillfactor = 20);
INSERT INTO log VALUES (true, 0, sha256(''), '', 0, '-infinity');

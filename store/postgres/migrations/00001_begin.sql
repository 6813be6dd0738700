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
    lapsed             bytea,                            -- the newest one's serial number, where the certificate has left
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
CREATE INDEX devices_by_lapse ON devices (lapsed) WHERE lapsed IS NOT NULL;

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
-- partition is made apart and then attached: readers wait for it only while it
-- waits for those before them, and that is not long. What came to stand in
-- certificates_other meanwhile moves over.
-- +goose StatementBegin
CREATE FUNCTION certificates_month(ms bigint) RETURNS void LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
DECLARE
    first timestamp := date_trunc('month', timestamp '1970-01-01' + ms * interval '1 millisecond');
    month timestamp;
    part  text;
    low   bytea;
    high  bytea;
BEGIN
    FOR month IN SELECT first UNION ALL SELECT first + interval '1 month' LOOP
        part := 'certificates_' || to_char(month, 'FMYYYY_MM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        low := '\x40' || lpad(to_hex((extract(epoch FROM month) * 1000)::bigint), 12, '0');
        high := '\x40' || lpad(to_hex((extract(epoch FROM month + interval '1 month') * 1000)::bigint), 12, '0');
        EXECUTE format('CREATE TABLE %I (LIKE certificates INCLUDING ALL) WITH (fillfactor = 95)', part);
        LOCK TABLE certificates_other IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('WITH moved AS (DELETE FROM certificates_other WHERE serial >= $1 AND serial < $2 RETURNING *) INSERT INTO %I SELECT * FROM moved', part)
            USING low, high;
        EXECUTE format('ALTER TABLE certificates ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, low, high);
    END LOOP;
END $$;
-- +goose StatementEnd

-- certificates_sweep drops the months below that of the oldest certificate, and
-- returns how many. Whoever reads waits while it waits for those before them: it
-- gives up soon, to be called again.
-- +goose StatementBegin
CREATE FUNCTION certificates_sweep() RETURNS integer LANGUAGE plpgsql SET lock_timeout = '100ms' AS $$
DECLARE
    part    text;
    used    boolean;
    empty   text[];
BEGIN
    FOR part IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'certificates'::regclass AND relname ~ '^certificates_\d+_\d\d$'
        ORDER BY length(relname), relname COLLATE "C"
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', part) INTO used;
        EXIT WHEN used;
        empty := empty || part;
    END LOOP;
    IF empty IS NULL OR used IS NOT TRUE THEN -- nothing, or no certificate at all
        RETURN 0;
    END IF;
    LOCK TABLE ONLY certificates IN ACCESS EXCLUSIVE MODE;
    FOREACH part IN ARRAY empty LOOP
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', part);
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', part) INTO used;
        CONTINUE WHEN used;
        EXECUTE format('DROP TABLE %I', part);
    END LOOP;
    RETURN array_length(empty, 1);
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

-- Of records that were dropped, the hashes of those that completed a subtree of
-- 256: all that the tree of the others is built on.
CREATE TABLE kept_hashes (
    index  bigint PRIMARY KEY,
    hashes bytea NOT NULL
);

CREATE TABLE log (
    one  boolean PRIMARY KEY CHECK (one),
    size bigint NOT NULL,
    root bytea  NOT NULL                                 -- of the tree of size records
) WITH (fillfactor = 20);
INSERT INTO log VALUES (true, 0, sha256(''));

-- The files of the archive.
CREATE TABLE segments (
    kind   text COLLATE "C",
    last   bytea,
    first  bytea  NOT NULL,
    items  bigint NOT NULL,
    name   text   NOT NULL,
    digest bytea  NOT NULL,
    PRIMARY KEY (kind, last)
);

-- What one node at a time does for all of them.
CREATE TABLE leases (
    task       text COLLATE "C" PRIMARY KEY,
    holder     bytea  NOT NULL,                          -- the node that leads; empty before the first
    fence      bigint NOT NULL,                          -- counts the holders
    expires_at timestamptz NOT NULL                      -- when another may take over
) WITH (fillfactor = 20);

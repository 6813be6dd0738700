-- Documents: what the service keeps beside the rows that have a form of their own,
-- such as policies and grants. A node that knows nothing of them would decide as if
-- there were none, so that those of the version before end.

-- +goose Up

-- The entrance, then all gates, as a batch does that is alone: before anything else, so
-- that nodes at work are waited for, and nodes that begin at once come one by one and
-- find it done.
SELECT FROM nodes WHERE slot = 0 FOR UPDATE;
UPDATE nodes SET schema = greatest(schema, 2);

-- A reference table: see 00001_begin.sql.
CREATE TABLE IF NOT EXISTS documents (
    kind text COLLATE "C",
    key  text COLLATE "C",
    data bytea NOT NULL,
    PRIMARY KEY (kind, key)
);

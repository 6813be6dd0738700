-- Documents: what the service keeps beside the rows that have a form of their own,
-- such as policies and grants. A node that knows nothing of them would decide as if
-- there were none, so that those of the version before end.

-- +goose Up

-- A reference table: see 00001_begin.sql.
CREATE TABLE documents (
    kind text COLLATE "C",
    key  text COLLATE "C",
    data bytea NOT NULL,
    PRIMARY KEY (kind, key)
);

SELECT FROM nodes WHERE slot = 0 FOR UPDATE;             -- the entrance, then all gates, as a batch does that is alone
UPDATE nodes SET schema = 2;

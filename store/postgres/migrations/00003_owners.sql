-- Owners: the group that owns a device beside its person, and to whom an order gives
-- its devices. A node that knows nothing of them would enrol a device without its
-- owner, so that those of the version before end.

-- +goose Up

-- The entrance, then all gates, as a batch does that is alone: before anything else, so
-- that nodes at work are waited for, and nodes that begin at once come one by one and
-- find it done.
SELECT FROM nodes WHERE slot = 0 FOR UPDATE;
UPDATE nodes SET schema = greatest(schema, 3);

ALTER TABLE devices ADD COLUMN IF NOT EXISTS owner_group text NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN IF NOT EXISTS owner text NOT NULL DEFAULT '', ADD COLUMN IF NOT EXISTS owner_group text NOT NULL DEFAULT '';

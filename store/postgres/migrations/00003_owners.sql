-- Owners: the group that owns a device beside its person, and to whom an order gives
-- its devices. A node that knows nothing of them would enrol a device without its
-- owner, so that those of the version before end.

-- +goose Up
ALTER TABLE devices ADD COLUMN owner_group text NOT NULL DEFAULT '';
ALTER TABLE orders ADD COLUMN owner text NOT NULL DEFAULT '', ADD COLUMN owner_group text NOT NULL DEFAULT '';

SELECT FROM nodes WHERE slot = 0 FOR UPDATE;             -- the entrance, then all gates, as a batch does that is alone
UPDATE nodes SET schema = 3;

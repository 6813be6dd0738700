-- Where a device's key is kept, as whoever vouched for it said, and who drew its
-- ticket, where an enrolment waits for a second person. A node that knows nothing of
-- them would forget them, so that those of the version before end.

-- +goose Up

-- The entrance, then all gates, as a batch does that is alone: before anything else, so
-- that nodes at work are waited for, and nodes that begin at once come one by one and
-- find it done.
SELECT FROM nodes WHERE slot = 0 FOR UPDATE;
UPDATE nodes SET schema = greatest(schema, 4);

ALTER TABLE devices ADD COLUMN IF NOT EXISTS key_protection text NOT NULL DEFAULT '', ADD COLUMN IF NOT EXISTS ticket_drawn_by text NOT NULL DEFAULT '';

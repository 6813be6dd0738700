-- Where a device's key is kept, as whoever vouched for it said, and who drew its
-- ticket, where an enrolment waits for a second person. A node that knows nothing of
-- them would forget them, so that those of the version before end.

-- +goose Up
ALTER TABLE devices ADD COLUMN key_protection text NOT NULL DEFAULT '', ADD COLUMN ticket_drawn_by text NOT NULL DEFAULT '';

SELECT FROM nodes WHERE slot = 0 FOR UPDATE;             -- the entrance, then all gates, as a batch does that is alone
UPDATE nodes SET schema = 4;

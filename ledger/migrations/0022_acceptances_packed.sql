-- Pages of acceptances are filled. An undo sets undone_at, which the indexes' predicates name, so that its new
-- version of the row needs new entries wherever it lies: the room kept for it beside the old one was of no use.

ALTER TABLE acceptances SET (fillfactor = 100);

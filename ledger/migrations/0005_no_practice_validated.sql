-- Looks at the rows that were there before 0004, while scans go on.

ALTER TABLE booklets VALIDATE CONSTRAINT booklets_no_practice;
ALTER TABLE acceptances VALIDATE CONSTRAINT acceptances_no_practice;

-- When remittances close by themselves. A calendar day is a legal day in Europe/Paris; what was accepted before it
-- began is closed from then on.

ALTER TABLE programmes ADD COLUMN closing_calendar text NOT NULL DEFAULT 'none'
    CHECK (closing_calendar IN ('none', 'monthly', 'twice_a_month', 'weekly'));
GRANT UPDATE (closing_calendar) ON programmes TO poincon_app;

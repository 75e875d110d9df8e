"""The bank's file formats, by pure code: bytes in, frozen rows out. No database, no network."""

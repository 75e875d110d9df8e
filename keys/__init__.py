"""What a code says, and who signed it. Code only: never a key file, never a decision about a scan."""

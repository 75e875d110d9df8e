"""Hostile input for whatever parses: targets, what finds inputs for them, and the contract's own fuzzer."""

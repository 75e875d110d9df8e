"""Starts and stops a private PostgreSQL and Valkey for demo, tests and single-machine use."""

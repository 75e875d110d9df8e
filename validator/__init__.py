"""The service: scan, check, undo, photos; who asks, limits, wiring, settings and the HTTP face."""

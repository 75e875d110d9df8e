"""Notices: what people are told, how it is written, sent by mail and called to their systems."""

"""Payouts: what leaves towards operators, and what the bank answers. One file per noun; no scanning here."""

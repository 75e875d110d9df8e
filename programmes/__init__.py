"""Programmes: setting them up, issuing and printing their booklets."""

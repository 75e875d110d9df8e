"""Pixels in, texts out: reads the codes on photographs. Knows nothing of passes."""

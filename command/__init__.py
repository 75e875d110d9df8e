"""The `poincon` command: one file per noun, which reads arguments, calls the rooms and prints."""

"""The printing of booklets: facts in, files for the printer out. Nothing here reads or writes a record."""

"""The record: the only SQL of the project, one module per table family, and the frozen rows it gives out."""

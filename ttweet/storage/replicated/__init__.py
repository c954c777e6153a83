"""The contract of a store, kept by several servers together: each applies one replicated log to its own SQLite file."""

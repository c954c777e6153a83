"""The contract of a store, kept with SQLite."""

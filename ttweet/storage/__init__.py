"""The contract of a store, the stores that keep it, and tweets as lines of JSON."""

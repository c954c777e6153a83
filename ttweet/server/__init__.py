"""The listening edges, and the composition of all parts into one process."""

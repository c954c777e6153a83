"""What listens, and the composition of all parts into one process."""

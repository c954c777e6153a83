"""One writer, one ordered log and any number of cursors on it."""

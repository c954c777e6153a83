"""A session at the keyboard, from the standard library alone."""

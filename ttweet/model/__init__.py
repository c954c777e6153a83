"""Tweets, tags, report lines and errors: pure values and rules."""

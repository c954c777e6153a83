"""Limits that several rooms share, as plain numbers. Quick to import."""

QUERY_LIMIT = 20  # tweets or tags of a query that names no limit: a screenful
MAX_QUERY_LIMIT = 200  # of one query: some 50 KiB. More: ask again with `before`
PAGE_BYTES = 256 * 1024  # of tweets sent to a client at once, a tweet more at most: so much waits if it does not read

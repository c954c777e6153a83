"""Limits that several rooms share, as plain numbers. Quick to import."""

MAX_ID = 2**53 - 1  # of a tweet or a deletion: what every JSON reader holds to the digit (RFC 8259, section 6)
MAX_TWEET_ID = MAX_ID - 2**32  # the ids above are left for deletions, which must work when uploads no longer can
QUERY_LIMIT = 20  # tweets or tags of a query that names no limit: a screenful
MAX_QUERY_LIMIT = 200  # of one query: some 50 KiB. More: ask again with `before`
PAGE_BYTES = 256 * 1024  # of tweets sent to a client at once, a tweet more at most: so much waits if it does not read

"""Limits that several packages share, as plain numbers. Quick to import."""

MAX_ID = 2**53 - 1  # highest id of a tweet or deletion: exact in every JSON reader (RFC 8259, section 6)
MAX_TWEET_ID = MAX_ID - 2**32  # highest id of a tweet; a full log still has ids for deletions
LATEST_MS = 253_402_214_399_999  # latest time of an entry: every time zone can show 30 December 9999
QUERY_LIMIT = 20  # tweets or tags of a query without a limit: a screenful
MAX_QUERY_LIMIT = 200  # tweets or tags of one query, about 50 KiB; ask for more with `before`
MAX_QUERY_CHARACTERS = 300  # of a query of find, twice those of a tweet
MAX_QUERY_TERMS = 20  # of a query of find: each is a search of its own in the index
PAGE_BYTES = 256 * 1024  # of tweets sent to a client at once, plus one tweet: the memory of a client that does not read

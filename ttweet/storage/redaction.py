"""The redaction of a report log before a tweet is deleted, for a store without other clients.

A server does the same in `broker.deleter`, and lets others have the store between the steps.
"""

from ttweet.storage.contract import NOT_SEARCHED, REDACT_STEP, ReportLog, Traces


def redact(store: ReportLog, tweet: int) -> Traces:
    """Redact a tweet's text in the report lines that repeat it, except the line of its arrival, in bounded steps.

    Returns what TweetLog.delete wants. Raises StoreError: some lines may be blanked then.
    """
    arrival = _arrival(store, tweet)
    found = Traces([], max(arrival, default=0), complete=False)
    while not found.complete:
        found = store.traces(tweet, after=found.searched)
        for first in range(0, len(found.lines), REDACT_STEP):
            store.redact(tweet, found.lines[first : first + REDACT_STEP])
    return found._replace(lines=arrival)


def _arrival(store: ReportLog, tweet: int) -> list[int]:
    """Return the line that says the tweet came, or none if it is gone."""
    found = NOT_SEARCHED
    while not (found.lines or found.complete):
        found = store.arrival(tweet, after=found.searched)
    return found.lines

"""The requests that HTTP edges have answered: how many by route, and how long each took."""

from collections import Counter, defaultdict

from ttweet.model.histogram import Histogram


class AnsweredRequests:
    """Counts the requests of all edges that speak HTTP."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, int]] = Counter()
        """How many were answered, by the path of their route and the status."""
        self.times: defaultdict[str, Histogram] = defaultdict(Histogram)
        """How long they took from the end of the request to the end of the answer, or to the head of a stream."""

    def note(self, route: str, status: int, duration_s: float) -> None:
        """Count an answer."""
        self.counts[route, status] += 1
        self.times[route].observe(duration_s)

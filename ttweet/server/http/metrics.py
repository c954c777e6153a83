"""The state of the server in the text format of Prometheus: one more form of `stats`, made when it is scraped."""

import platform
import sqlite3
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from ttweet.broker.batch_times import BatchTimes
from ttweet.model.answers import Stats
from ttweet.model.histogram import Histogram
from ttweet.server.answered_requests import AnsweredRequests
from ttweet.server.http.call import Call
from ttweet.server.http.forms import NEVER_KEPT
from ttweet.server.http.response import Response
from ttweet.server.net.places import FORMS

_GAUGES = [
    ("clients", "Connected clients.", "connections", "now"),
    ("newest_id", "The newest id that was given to a tweet or a deletion.", "tweets", "newest"),
    ("pruned_id", "The id up to which tweets are not kept any more.", "retention", "gone"),
    ("drafts_waiting", "Tweets that wait for the disk.", "tweets", "waiting"),
    ("lines_waiting", "Report lines that wait for the disk.", "tweets", "lines_waiting"),
    ("tweets_unindexed", "Tweets that the index of tags does not have yet.", "file", "unindexed"),
    ("ids_without_words", "Ids that the index of words does not have yet.", "file", "without_words"),
]
_COUNTERS = [
    ("tweets_stored", "Tweets that were stored.", "tweets", "acknowledged"),
    ("tweets_deleted", "Tweets that were deleted.", "tweets", "deleted"),
    ("tweets_pruned", "Old tweets that were removed.", "retention", "removed"),
    ("commits", "Commits of tweets, report lines and changes.", "tweets", "commits"),
    ("rate_refusals", "Requests that came too early for the rate.", "rate", "refused"),
]
_PROCESS = ProcessCollector(registry=None)


async def stats_as_metrics(call: Call, stats: Stats) -> Response:
    """Return the state of the server as metrics."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Metrics(stats.parts, call.answered, call.session.service.batch_times))
    registry.register(_PROCESS)
    return Response(200, generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4, NEVER_KEPT)


class _Metrics(Collector):
    """Reads the parts of `stats`, the requests that were answered by HTTP, and the times of batches."""

    def __init__(self, parts: Mapping[str, Mapping[str, Any]], answered: AnsweredRequests, batches: BatchTimes) -> None:
        self._parts = parts
        self._answered = answered
        self._batches = batches

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        parts = self._parts
        yield _build(parts["server"]["version"])
        yield GaugeMetricFamily("ttweet_start_time_seconds", "Start of the server.", parts["server"]["started"] / 1000)
        yield GaugeMetricFamily("ttweet_ready", "1: the server stores tweets.", parts["server"]["trouble"] is None)
        for name, help_, part, value in _GAUGES:
            yield GaugeMetricFamily(f"ttweet_{name}", help_, parts[part][value])
        for name, help_, part, value in _COUNTERS:
            yield CounterMetricFamily(f"ttweet_{name}", help_, parts[part][value])
        connections, file = parts["connections"], parts["file"]
        outcomes = {name: connections[name] for name in ("accepted", "rejected")}
        yield _counter("connections", "Clients that came.", "outcome", outcomes)
        yield _counter("refusals", "Requests that were refused.", "code", parts["refusals"])
        followers = parts["followers"]
        states = {name: followers[name] for name in ("live", "behind")}
        yield _gauge("followers", "Clients that follow.", "state", states)
        forms = {name: followers[name] for name in FORMS}
        yield _gauge("followers_by_form", "Clients that follow, by the form of their tweets.", "form", forms)
        sizes = {"database": file["bytes"], "wal": file["wal_bytes"]}
        yield _gauge("file_bytes", "Size of the database and of its write-ahead log.", "part", sizes)
        yield self._http_requests()
        yield _times("commit", "Time to store a batch.", {"": self._batches.commits})
        help_ = "Time from the arrival of the oldest tweet of a batch until it is stored."
        yield _times("ack", help_, {"": self._batches.acknowledgements})
        yield _times("http_request", "Time to answer an HTTP request.", self._answered.times, "route")

    def _http_requests(self) -> Metric:
        found = CounterMetricFamily(
            "ttweet_http_requests", "HTTP requests that were answered.", labels=["route", "status"]
        )
        for (route, status), amount in sorted(self._answered.counts.items()):
            found.add_metric([route, f"{status}"], amount)
        return found


def _build(version: str) -> Metric:
    found = GaugeMetricFamily("ttweet_build_info", "Versions of the server.", labels=["version", "sqlite", "python"])
    found.add_metric([version, sqlite3.sqlite_version, platform.python_version()], 1)
    return found


def _times(name: str, help_: str, histograms: Mapping[str, Histogram], *labels: str) -> Metric:
    found = HistogramMetricFamily(f"ttweet_{name}_seconds", help_, labels=labels)
    for value, histogram in sorted(histograms.items()):
        buckets = [("+Inf" if bound == inf else f"{bound:g}", amount) for bound, amount in histogram.buckets]
        found.add_metric([value for _ in labels], buckets, histogram.sum_s)
    return found


def _counter(name: str, help_: str, label: str, values: Mapping[str, int]) -> Metric:
    found = CounterMetricFamily(f"ttweet_{name}", help_, labels=[label])
    for value, amount in values.items():
        found.add_metric([value], amount)
    return found


def _gauge(name: str, help_: str, label: str, values: Mapping[str, int]) -> Metric:
    found = GaugeMetricFamily(f"ttweet_{name}", help_, labels=[label])
    for value, amount in values.items():
        found.add_metric([value], amount)
    return found

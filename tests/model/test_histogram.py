"""Durations in buckets."""

from ttweet.model.histogram import BOUNDS_S, Histogram


def test_a_duration_counts_in_its_bucket_and_in_all_longer_ones() -> None:
    histogram = Histogram()
    for duration_s in (0.0, 0.0005, 0.0006, 4.0, 60.0):
        histogram.observe(duration_s)
    buckets = dict(histogram.buckets)
    assert [buckets[0.0005], buckets[0.001], buckets[2.5], buckets[5.0], buckets[float("inf")]] == [2, 3, 3, 4, 5]
    assert len(buckets) == len(BOUNDS_S) + 1
    assert round(histogram.sum_s, 4) == 64.0011

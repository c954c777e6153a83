"""The times of batches."""

import trio.testing

from ttweet.broker.batch_times import BatchTimes


def seconds_of(times: BatchTimes) -> tuple[float, float]:
    return round(times.commits.sum_s, 3), round(times.acknowledgements.sum_s, 3)


async def test_an_acknowledgement_takes_from_the_arrival_and_a_commit_from_its_beginning(
    mock_clock: trio.testing.MockClock,
) -> None:
    times = BatchTimes()
    mock_clock.jump(100)  # nothing is there, which is no waiting
    times.wake()
    mock_clock.jump(1)
    times.begin(takes_all=True)
    mock_clock.jump(2)
    assert times.end(has_drafts=True) == 2
    assert seconds_of(times) == (2, 3)


async def test_drafts_that_come_during_a_batch_have_waited_since_its_beginning(
    mock_clock: trio.testing.MockClock,
) -> None:
    times = BatchTimes()
    times.wake()
    times.begin(takes_all=True)
    mock_clock.jump(2)
    times.end(has_drafts=True)
    times.begin(takes_all=True)
    mock_clock.jump(1)
    times.end(has_drafts=True)
    assert seconds_of(times) == (3, 2 + 3)


async def test_drafts_that_are_left_keep_their_time_and_lines_have_no_acknowledgement(
    mock_clock: trio.testing.MockClock,
) -> None:
    times = BatchTimes()
    times.wake()
    for _ in range(2):
        times.begin(takes_all=False)
        mock_clock.jump(1)
        times.end(has_drafts=True)
    assert seconds_of(times) == (2, 1 + 2)
    times.begin(takes_all=True)
    times.end(has_drafts=False)
    assert [count for _, count in times.acknowledgements.buckets][-1] == 2

import signal

import pytest

from ttweet.cli import shell
from ttweet.cli.interrupts import uninterrupted
from ttweet.cli.live import News
from ttweet.cli.options import seconds
from ttweet.client.cursor import Cursor
from ttweet.model.errors import ConnectError, SlowDown


@pytest.mark.parametrize(
    ("duration", "expected"),
    [(None, None), ("0", 0), ("90", 90), ("90s", 90), ("1.5s", 1.5), ("10m", 600), ("2h", 7200), ("1d", 86400)],
)
def test_a_duration_is_seconds(duration: str | None, expected: float | None) -> None:
    assert seconds(duration, "--timeout") == expected


@pytest.mark.parametrize("duration", ["", "m", "-1", "10 m", "10w", "1e3", "inf", "nan", "１", "1.", ".5s"])
def test_an_invalid_duration_is_named(duration: str) -> None:
    with pytest.raises(shell.UsageError, match=r"^invalid --timeout .*: use a number with a unit, such as 90s"):
        seconds(duration, "--timeout")


@pytest.mark.parametrize("duration", ["1000000000s", "9" * 13 + "d", "9" * 400])
def test_a_time_that_is_too_long_is_no_mistake_in_its_form(duration: str) -> None:
    with pytest.raises(shell.UsageError, match=r"^invalid --timeout '\d+[sd]?': too long; use less than"):
        seconds(duration, "--timeout")


def test_a_number_alone_is_no_time_where_it_may_be_meant_in_days() -> None:
    with pytest.raises(shell.UsageError, match=r"^invalid --keep '90': use a number with a unit"):
        seconds("90", "--keep", bare=False)
    assert [seconds(each, "--keep", bare=False) for each in ("0", "90d")] == [0, 7_776_000]


def test_a_loss_is_reported_once_however_often_it_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    news = News()
    for _ in range(3):
        news.on_disconnected(ConnectError("unreachable", "nobody there"), 0.1)
    news.on_caught_up(1)
    news.on_disconnected(ConnectError("unknown", "gone"), 0.1)
    news.on_caught_up(1200)
    assert capsys.readouterr().err.splitlines() == [
        "ttweet: connection lost: nobody there; retrying until the server answers",
        "reconnected; caught up on 1 tweet",
        "ttweet: connection lost: gone; retrying until the server answers",
        "reconnected; caught up on 1,200 tweets",
    ]


def test_a_loss_and_a_wait_are_reported_after_an_earlier_wait(capsys: pytest.CaptureFixture[str]) -> None:
    cursor = Cursor([], 5, News())
    caught_up = (b'["ok",{"from":5}]', b'["e",{"id":5}]')
    for error in (SlowDown("", 2), ConnectError("unknown", "gone"), SlowDown("", 1)):
        cursor.pause_s(error)
        for line in caught_up:
            cursor.receive(line)
    assert capsys.readouterr().err.splitlines() == [
        "the server limits requests; retrying in 2 s",
        "ttweet: connection lost: gone; retrying until the server answers",
        "reconnected",
        "the server limits requests; retrying in 1 s",
    ]


def test_a_log_that_was_put_back_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    News().on_rewound(1000, 5)
    assert capsys.readouterr().err == (
        "ttweet: no tweet 1000: the newest is 5, so a backup was restored or this is another server; "
        "continuing after tweet 5\n"
    )


def ends(ctrl_c: int) -> list[str]:
    """Return which steps of a block are done, and how it ends, when Ctrl-C arrives so often in it."""
    done = []
    try:
        with uninterrupted():
            for _ in range(ctrl_c):
                signal.raise_signal(signal.SIGINT)
            done.append("shown")
        done.append("goes on")
    except KeyboardInterrupt:
        done.append("ends")
    return done


def test_ctrl_c_waits_for_what_is_being_shown_and_a_second_one_does_not() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert [ends(number) for number in range(3)] == [["shown", "goes on"], ["shown", "ends"], ["ends"]]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        assert ends(2) == ["shown", "goes on"]
    finally:
        signal.signal(signal.SIGINT, before)

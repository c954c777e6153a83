"""The last lines of an output are those that a terminal would show."""

import pytest

from ttweet.cli.last_lines import MAX_LINE_BYTES, LastLines


def shown(*pieces: bytes, number: int = 3) -> list[str]:
    """The last lines of a stream that comes in these pieces."""
    lines = LastLines(number)
    for piece in pieces:
        lines.take(1, piece)
    return lines.texts()


def test_the_last_lines_are_kept_and_empty_ones_do_not_count() -> None:
    assert shown(b"a\nb\n\nc\n \t\nd\n\n") == ["b", "c", "d"]
    assert shown(b"") == []


def test_a_line_may_come_in_pieces_and_need_not_end() -> None:
    assert shown(b"a\nfir", b"st\nla", b"st") == ["a", "first", "last"]
    assert shown(b"x\ny\nz\nlast") == ["y", "z", "last"]


def test_a_character_may_come_in_pieces_and_what_is_no_utf_8_is_replaced() -> None:
    assert shown("é".encode()[:1], "é".encode()[1:] + b"\n\xff!\n") == ["é", "\N{REPLACEMENT CHARACTER}!"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b[1;31mFAILED\x1b[0m tests\n", "FAILED tests"),
        (b"\x1b]0;title\x07done\n", "done"),
        (b"\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\\n", "link"),
        (b"\x1b(Bplain\x00\x07\n", "plain"),
        (b"a\tb  c\n", "a b c"),
    ],
)
def test_characters_that_a_terminal_does_not_show_are_left_out(data: bytes, text: str) -> None:
    assert shown(data) == [text]


def test_a_line_of_nothing_but_colours_is_left_out() -> None:
    assert shown(b"a\n\x1b[0m\n") == ["a"]


def test_the_last_state_of_a_progress_bar_is_kept() -> None:
    assert shown(b" 10%\r", b" 20%\r", b"100%\r\n") == ["100%"]
    assert shown(b"10%\r20%") == ["20%"]
    assert shown(b"windows\r\n") == ["windows"]


def test_lines_of_two_streams_are_not_mixed_and_stand_in_the_order_of_their_ends() -> None:
    lines = LastLines(3)
    lines.take(1, b"out")
    lines.take(2, b"error\n")
    lines.take(1, b"put\n")
    assert lines.texts() == ["error", "output"]


def test_an_endless_line_takes_little_memory_and_shows_its_beginning() -> None:
    [text] = shown(*[b"ab" * 50_000] * 20)
    assert text == "ab" * (MAX_LINE_BYTES // 2)


def test_an_endless_progress_bar_shows_its_end() -> None:
    pieces = [f"\r{percent}%".encode() * 2_000 for percent in range(100)]
    assert shown(*pieces) == ["99%"]

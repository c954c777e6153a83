"""The lines of a session are broken at spaces, as wide as its terminal counts it."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.keyboard import COLUMNS, Keyboard
from tests.support.server_here import server_here
from ttweet.cli.chat.wrapping import wrapped
from ttweet.client.sync_client import Client
from ttweet.model.columns import width_of

BOLD, PLAIN = "\x1b[1m", "\x1b[0m"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", [""]),
        ("short", ["short"]),
        ("one two three", ["one two", "three"]),
        ("exactly ten", ["exactly", "ten"]),
        ("one twenty", ["one twenty"]),
        ("  indented text", ["  indented", "text"]),
        ("one  two  three", ["one  two", "three"]),
        ("one\ntwo three four", ["one", "two three", "four"]),
        ("a https://example.org/b", ["a https://", "example.or", "g/b"]),
        ("123456789 abcdefghijk", ["123456789", "abcdefghij", "k"]),
        ("寿司 寿司寿", ["寿司", "寿司寿"]),
        ("a 寿司寿司寿司", ["a 寿司寿司", "寿司"]),
        (
            "a \u2764\ufe0f\u2764\ufe0f\u2764\ufe0f\u2764\ufe0f b",
            ["a \u2764\ufe0f\u2764\ufe0f\u2764\ufe0f\u2764\ufe0f", "b"],
        ),
        (f"abcdefgh{FAMILY}{FAMILY}", ["abcdefgh", FAMILY, FAMILY]),
        ("cafe\u0301cafe\u0301cafe\u0301", ["cafe\u0301cafe\u0301ca", "fe\u0301"]),
        (f"{BOLD}one{PLAIN} two three", [f"{BOLD}one{PLAIN} two", "three"]),
        (f"{BOLD}abcdefghijklm{PLAIN}", [f"{BOLD}abcdefghij", f"klm{PLAIN}"]),
    ],
)
def test_a_text_is_broken_at_spaces_and_a_long_word_within(text: str, rows: list[str]) -> None:
    assert wrapped(text, 10).split("\n") == rows


@given(st.text(st.sampled_from("ab寿é \n\u0301\u2764\ufe0f\U0001f1e9\U0001f1ea")), st.integers(20, 40))
def test_no_row_is_too_wide_and_no_character_is_lost(text: str, columns: int) -> None:
    rows = wrapped(text, columns).split("\n")
    assert "".join("".join(rows).split()) == "".join(text.split())
    assert all(width_of(row) <= columns or re.fullmatch("[\u0301\ufe0f].*|.[\u0301\ufe0f]*", row) for row in rows)


def test_a_tweet_on_a_terminal_is_broken_at_a_space(tmp_path: Path) -> None:
    with server_here(tmp_path) as server:
        keyboard = Keyboard(server.port, "ann", variables={"XDG_STATE_HOME": str(tmp_path)})
        keyboard.waits(lambda lines: lines[-1:] == [">"])
        with Client("127.0.0.1", server.port, name="bob") as client:
            client.post("word " * 14 + "end")
        keyboard.waits(lambda lines: lines[-2].endswith("end"))
        first, second = keyboard.terminal.lines[-3:-1]
        assert re.fullmatch(r"#1  [0-9:]{8}  bob:( word)+", first)
        assert len(first) + len(" word") > COLUMNS
        assert re.fullmatch(r"(word )+end", second)
        keyboard.leaves()

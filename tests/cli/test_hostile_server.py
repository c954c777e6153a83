"""A server's text does not steer the terminal of its client, and no answer is an internal error."""

import json

import pytest

from tests.support.peers import peer, says
from ttweet.cli import shell
from ttweet.cli.main import main

TITLE = "\x1b]0;owned\x07"
TWEET: dict[str, object] = {"id": 1, "at": 1, "by": None, "text": "x", "tags": []}
TAG: dict[str, object] = {"tag": "x", "count": 1, "newest": 1, "days": [0] * 14}


def ok(data: object) -> bytes:
    return json.dumps(["ok", data]).encode() + b"\n"


@pytest.fixture(params=[True, False], ids=["terminal", "pipe"], autouse=True)
def _reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(shell, "on_terminal", lambda stream: request.param)


def carried_out(arguments: list[str], answer: bytes) -> int:
    with peer(says(answer)) as client:
        return main([*arguments, "--server", f"127.0.0.1:{client.port}"])


@pytest.mark.parametrize("code", ["bad_tag", "forbidden", "internal", "of_a_later_version"])
@pytest.mark.parametrize(
    "command",
    [["post", "hi"], ["last"], ["tags"], ["tags", "x"], ["find"], ["show", "1"], ["delete", "1"], ["stats"]],
    ids=" ".join,
)
def test_the_text_of_an_error_is_one_harmless_line(
    command: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = json.dumps(["err", {"code": code, "text": f"no{TITLE}\nttweet: forged"}]).encode() + b"\n"
    assert carried_out(command, line) in (shell.FAILED, shell.REFUSED, shell.NOTHING)
    assert capsys.readouterr() == ("", "ttweet: no\\x1b]0;owned\\x07\\nttweet: forged\n")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (["post", "hi"], {"id": TITLE, "at": 1, "tags": []}),
        (["post", "hi", "--json"], {"id": {"a": TITLE}, "at": 1, "tags": []}),
        (["post", "hi"], {"id": 1, "at": 1, "tags": 7}),
        (["delete", "1"], {"id": TITLE, "at": 1, "tweet": 1}),
        (["last"], TWEET | {"at": TITLE}),
        (["last"], TWEET | {"at": 10**30}),
        (["last"], TWEET | {"text": 5}),
        (["last"], TWEET | {"text": "\ud800"}),
        (["last"], TWEET | {"by": [TITLE]}),
        (["last"], TWEET | {"tags": "abc"}),
        (["last"], TWEET | {"id": TITLE}),
        (["tags", "x"], {"tweets": [TWEET | {"at": "soon"}], "more": False}),
        (["tags"], {"tags": [TAG | {"count": TITLE}], "more": False}),
        (["tags"], {"tags": [TAG | {"days": 3}], "more": False}),
        (["tags"], {"tags": [TAG | {"tag": 3}], "more": False}),
        (["find"], {"tweets": [TWEET | {"by": [TITLE]}], "more": False, "searched_to": None}),
        (["find"], {"tweets": [], "more": True, "searched_to": TITLE}),
        (["find"], {"tweets": [], "more": True}),
        (["find", "--count"], {"count": TITLE, "searched_to": None}),
        (["show", "1"], {"id": 1, "at": TITLE, "deleted": True}),
        (["show", "1"], {"id": 1, "at": 1, "deleted": TITLE}),
        (["stats"], {"server": {"started": 10**30}}),
        (["stats"], [1, 2]),
    ],
)
def test_an_answer_that_does_not_fit_is_of_no_ttweet(
    command: list[str], answer: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert carried_out(command, ok(answer)) == shell.UNREACHABLE
    out, err = capsys.readouterr()
    assert (out, "is not a ttweet server" in err, err.count("\n")) == ("", True, 1)


def test_messages_are_escaped_wherever_their_words_come_from(capsys: pytest.CaptureFixture[str]) -> None:
    shell.complain(f"one{TITLE}", "two\r")
    shell.hint("three\u202e\n")
    assert capsys.readouterr().err.splitlines()[:2] == ["ttweet: one\\x1b]0;owned\\x07", "two\\r"]


def test_the_lines_of_an_advice_stay_apart(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        raise shell.UsageError("this takes a token:\n  ttweet token add NAME")

    assert shell.run(command) == shell.USAGE
    assert capsys.readouterr().err == "ttweet: this takes a token:\n  ttweet token add NAME\n"

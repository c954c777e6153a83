import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ttweet
from tests.support.in_process import run
from tests.support.processes import Server, running_server
from ttweet import defaults
from ttweet.cli import shell
from ttweet.cli.open_client import open_client
from ttweet.cli.shell import UsageError
from ttweet.cli.source import check_query, checked_body, checked_query, db_path, find_in_pages, in_pages, open_source
from ttweet.client import servers
from ttweet.client.sync_client import Client
from ttweet.model.errors import ConnectError, Refused, SetupError
from ttweet.model.tweets import Found, Page, Tweet, queried_tag
from ttweet.server.config import Config


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        with Client("127.0.0.1", server.port) as client:
            for _ in client.post_many(f"number {number} #Paged #n{number}" for number in range(450)):
                pass
            client.post("#77 and #Other")
        yield server


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TTWEET_DB", raising=False)
    monkeypatch.delenv("TTWEET_SERVER", raising=False)


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_the_default_file_is_the_servers() -> None:
    assert Config(port=0).db == Path(defaults.DB) == db_path(None)


def test_a_file_and_its_server_give_the_same_answers(server: Server) -> None:
    with open_source(server.db, None) as file, open_source(None, server.address) as asked:
        assert file.last() == asked.last() == Tweet(451, file.last().at, None, "#77 and #Other", ("77", "Other"))  # type: ignore[union-attr]
        for limit in (1, 200, 201, 449, 450, 1000):
            page = file.tweets_of_tag(" #PAGED ", limit=limit)
            assert page == asked.tweets_of_tag("＃paged", limit=limit)
            assert [tweet.id for tweet in page.tweets] == list(range(450, 450 - min(limit, 450), -1))
            assert page.more == (limit < 450)
        for numbers in (False, True):
            before = file.list_tags(limit=200, numbers=numbers)
            listed = asked.list_tags(limit=200, numbers=numbers)
            assert listed in (before, file.list_tags(limit=200, numbers=numbers))  # a new day may begin meanwhile
        assert len(file.list_tags(limit=1000, numbers=True).tags) == 453


def test_a_server_lists_so_many_tags_and_says_where_the_rest_is(server: Server) -> None:
    with open_source(None, server.address) as source, pytest.raises(UsageError, match=r"at most 200 tags.*--db FILE"):
        source.list_tags(limit=201, numbers=False)


def test_an_empty_last_message_is_none(server: Server) -> None:
    with Client("127.0.0.1", server.port) as client:
        client.post("")
        with open_source(server.db, None) as file, open_source(None, server.address) as asked:
            assert file.last() is asked.last() is None
        client.post("filled again")


@pytest.mark.parametrize("tag", ["", "#", "a b", "a#b", "a-b", "##"])
def test_an_invalid_tag_is_wrong_usage(server: Server, tag: str) -> None:
    for options in ((server.db, None), (None, server.address)):
        with open_source(*options) as source, pytest.raises(UsageError, match="invalid tag"):
            source.tweets_of_tag(tag, limit=1)


WORDS = ["a", "7", "OR", "tag", "aB9", "x" * 150, "x" * 151, "a_b", "ß", "#a", "-", " ", ""]


@pytest.mark.parametrize("tag", WORDS)
def test_a_plain_tag_is_taken_as_the_whole_rule_takes_it(tag: str) -> None:
    assert refusal_of(checked_body, tag) == refusal_of(queried_tag, tag.strip())


@pytest.mark.parametrize("part", [*WORDS, "x" * 301, "until:x", "a b", "-a", "b*"])
@pytest.mark.parametrize("amount", [1, 20, 21])
def test_a_plain_query_is_taken_as_the_whole_rule_takes_it(part: str, amount: int) -> None:
    asked = " ".join([f"{part}{number}" for number in range(amount)])
    assert refusal_of(check_query, asked) == refusal_of(checked_query, asked)


def refusal_of(rule: Callable[[str], object], value: str) -> str:
    """Return why a rule refuses a value; empty if it takes it."""
    try:
        rule(value)
    except (UsageError, Refused) as error:
        return str(error)
    return ""


def test_the_option_comes_before_the_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTWEET_SERVER", "127.0.0.1:1")
    with open_source(server.db, None) as source:
        assert source.list_tags(limit=1, numbers=False).tags
    with open_source(None, server.address) as source:
        assert source.list_tags(limit=1, numbers=False).tags
    with pytest.raises(ConnectError), open_source(None, None) as source:
        source.last()


def test_the_environment_comes_before_the_default(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTWEET_SERVER", "")  # set and empty is not set
    monkeypatch.setenv("TTWEET_DB", str(server.db))
    with open_source(None, None) as source:
        assert source.list_tags(limit=1, numbers=False).tags


def test_a_file_and_a_server_are_too_much(server: Server) -> None:
    with pytest.raises(UsageError, match="give one of them"), open_source(server.db, server.address):
        pass


@pytest.mark.parametrize("command", [["post", "x"], ["post", "--lines"], ["last"], ["run", "--", "echo", "ran"]])
def test_a_file_of_ones_own_that_does_not_serve_is_wrong_usage(
    server: Server, command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "no.pem").write_text("no certificate")
    for variables, said in (
        ({"TTWEET_CA": "/nonexist"}, "cannot read the certificate to trust in /nonexist"),
        ({"TTWEET_CA": str(tmp_path / "no.pem")}, "no certificate to trust in "),
        ({"TTWEET_TOKEN_FILE": "/nonexist"}, "TTWEET_TOKEN_FILE '/nonexist' cannot be read"),
    ):
        done = run(*command, stdin=b"x\n", variables={"TTWEET_SERVER": server.address, **variables})
        assert (done.returncode, done.stdout) == (shell.USAGE, "")
        assert said in done.stderr


def test_a_session_whose_own_file_does_not_serve_is_wrong_usage(server: Server) -> None:
    done = run("chat", "127.0.0.1", str(server.port), "ann", "--ca", "/nonexist")
    assert done.returncode == shell.USAGE
    assert "cannot read the certificate to trust in /nonexist" in done.stderr


@pytest.mark.parametrize("where", ["", "13001", "h:p", "http://h"])
def test_an_invalid_server_is_wrong_usage(where: str) -> None:
    for command in (lambda: open_client(where), lambda: open_source(None, where).__enter__()):
        with pytest.raises(SetupError, match=r"^invalid server '") as refused:
            command()
        assert shell.exit_code(refused.value) == shell.USAGE


# The default server, else the file in the working folder


def test_a_server_at_the_default_address_is_asked_even_if_there_is_a_file(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ttweet.open(tmp_path / "tweets.db").close()
    monkeypatch.setattr(servers, "SERVER", server.address)
    with open_source(None, None) as source:
        assert source.list_tags(limit=1, numbers=False).tags
    assert capsys.readouterr().err == ""


def test_without_a_server_the_file_in_the_folder_is_read_with_a_hint(
    closed_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(servers, "SERVER", f"127.0.0.1:{closed_port}")
    with pytest.raises(ConnectError, match=f"^no server is listening on 127.0.0.1:{closed_port}; start one"):
        open_source(None, None).__enter__()
    with ttweet.open(tmp_path / "tweets.db") as store:
        store.post("in the file")
    with open_source(None, None) as source:
        assert source.last().text == "in the file"  # type: ignore[union-attr]
    assert capsys.readouterr().err == f"no server is listening on 127.0.0.1:{closed_port}; reading tweets.db\n"


@pytest.mark.parametrize("command", [["last"], ["tags"]])
def test_a_server_that_was_named_is_never_replaced_by_a_file(
    closed_port: int, command: list[str], tmp_path: Path
) -> None:
    ttweet.open(tmp_path / "tweets.db").close()
    for options, variables in (
        (["--server", f"127.0.0.1:{closed_port}"], {}),
        ([], {"TTWEET_SERVER": f"127.0.0.1:{closed_port}"}),
    ):
        done = run(*command, *options, cwd=tmp_path, variables=variables)
        assert (done.returncode, done.stdout) == (shell.UNREACHABLE, "")
        assert done.stderr.startswith(f"ttweet: no server is listening on 127.0.0.1:{closed_port}; start one")


@pytest.mark.parametrize(
    "command", [["post", "#all over"], ["last"], ["tags", "all"], ["follow", "--last", "1", "--count", "1"]]
)
def test_all_commands_look_in_the_same_place(server: Server, command: list[str]) -> None:
    with Client(server.address) as client:
        client.post("#all over")
    done = run(*command, variables={"TTWEET_SERVER": f"127.0.0.1:1, {server.address}"})
    assert (done.returncode, done.stderr) == (0, "")


class EndlessServer(Client):
    """Answers each query with one tweet and then none, and says that there are more."""

    def __init__(self) -> None:
        self.pages: list[list[Tweet]] = [[Tweet(9, 0, None, "one", ())], [], []]

    def find(self, query: str = "", *, limit: int | None = None, before: int | None = None) -> Found:
        return Found(self.pages.pop(0), more=True)


def test_pages_end_with_an_empty_one_whatever_the_server_sends() -> None:
    server, other = EndlessServer(), EndlessServer()
    assert [tweet.id for tweet in find_in_pages(server, "one", 300).tweets] == [9]
    assert [tweet.id for tweet in in_pages(lambda *_: Page(other.pages.pop(0), more=True), 300).tweets] == [9]
    assert len(server.pages) == len(other.pages) == 1

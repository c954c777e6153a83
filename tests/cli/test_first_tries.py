"""The first tries of users of other programs: each works, or its error names the command that does the same."""

from collections.abc import Iterator

import pytest

from tests.support.in_process import complains, run
from tests.support.processes import Server, filled_server
from ttweet.cli import shell

WORK = [
    ("gh", ["list"]),
    ("gh", ["search", "two"]),
    ("gh", ["version"]),
    ("gh", ["help", "search"]),
    ("git", ["show", "#1"]),
    ("git", ["help", "post"]),
    ("git", ["--help", "post"]),
    ("git", ["help", "help"]),
    ("git", ["help", "version"]),
    ("gh", ["help", "--install-completion"]),
    ("gh", ["version", "--help"]),
    ("ls", ["-h"]),
    ("ls", ["ls", "-n", "1"]),
    ("redis-cli", ["--version"]),
    ("ls", ["--version", "-v"]),
    ("tail", ["follow", "--last", "1", "--count", "1"]),
    ("toot", ["post", "hello"]),
    ("toot", ["tags"]),
]
LEAD_TO = [
    ("gh", ["auth", "login"], "token"),
    ("gh", ["status"], "stats"),
    ("gh", ["view", "3"], "show"),
    ("gh", ["completion", "-s", "bash"], "--install-completion"),
    ("git", ["fsck"], "check"),
    ("grep", ["grep", "two"], "find"),
    ("irc", ["who"], "chat"),
    ("irc", ["users"], "chat"),
    ("irc", ["say", "hello"], "post"),
    ("mosquitto_sub", ["sub", "-t", "ci"], "follow"),
    ("gh", ["serach", "two"], "search"),
    ("gh", ["LIST"], "list"),
    ("docker", ["restart"], "serve"),
    ("kafka", ["consume", "ci"], "follow"),
    ("kafka", ["produce", "ci"], "post"),
    ("nats", ["pub", "ci", "hello"], "post"),
    ("noti", ["done", "make"], "run"),
    ("ntfy", ["publish", "ci", "hello"], "post"),
    ("ntfy", ["subscribe", "ci"], "follow"),
    ("ntfy", ["poll", "ci"], "follow"),
    ("redis-cli", ["get", "3"], "show"),
    ("redis-cli", ["info"], "stats"),
    ("redis-cli", ["keys", "*"], "tags"),
    ("redis-cli", ["monitor"], "follow"),
    ("redis-cli", ["ping"], "stats"),
    ("redis-cli", ["PING"], "stats"),
    ("redis-cli", ["SUBSCRIBE", "ci"], "follow"),
    ("shell", ["history"], "find"),
    ("shell", ["tail", "-f"], "follow"),
    ("shell", ["rm", "3"], "delete"),
    ("toot", ["login"], "chat"),
    ("toot", ["whoami"], "config"),
    ("toot", ["timeline"], "find"),
    ("twitter", ["tweet", "hello"], "post"),
    ("twitter", ["trends"], "tags"),
    ("wall", ["write", "hello"], "post"),
]
OPTIONS = [
    ("curl", ["post", "-f", "x"], "unknown option -f; to post a file: ttweet post - < FILE"),
    ("docker", ["log", "-f"], "unknown option -f; to see tweets as they come: ttweet follow"),
    ("gh", ["find", "--tag=ci"], "unknown option --tag; put it into the query: tag:TAG"),
    ("gh", ["find", "-t", "ci"], "unknown option -t; put it into the query: tag:TAG"),
    ("gh", ["find", "--label", "ci"], "unknown option --label; put it into the query: tag:TAG"),
    ("gh", ["find", "--search", "two"], "unknown option --search; put the text into the query"),
    ("gh", ["post", "--body", "hello"], "unknown option --body; give MESSAGE without it"),
    ("gh", ["delete", "3", "--yes"], "unknown option --yes; omit it, as delete does not ask"),
    (
        "kafka",
        ["follow", "--from-beginning"],
        "unknown option --from-beginning; to begin with the first tweet: --after 0",
    ),
    ("git", ["last", "-n", "5"], "unknown option -n; for several tweets: ttweet find --limit N"),
    ("http.server", ["serve", ":8080"], "invalid PORT ':8080': use the port alone, and --host for the address"),
    ("tail", ["follow", "-f"], "unknown option -f; omit it, as follow waits for new tweets"),
]
ANSWERED = [
    ("gh", ["help", "completion"], "unknown command 'completion'; did you mean ttweet --install-completion?"),
    ("gh", ["completion", "--help"], "unknown command 'completion'; did you mean ttweet --install-completion?"),
    ("git", ["help", "nosuch"], "unknown command 'nosuch'; see ttweet --help"),
    ("git", ["--help", "nosuch"], "unknown command 'nosuch'; see ttweet --help"),
    ("git", ["nosuch", "-h"], "unknown command 'nosuch'; see ttweet --help"),
    ("git", ["pots", "--help-all"], "unknown command 'pots'; did you mean ttweet post?"),
    ("gh", ["-v"], "unknown option -v; did you mean --version?"),
    ("irc", ["#ci is red"], "unknown command '#ci is red'; to post it: ttweet post '#ci is red'"),
    ("kubectl", ["--json", "find"], "invalid place of --json: put it after the command; run: ttweet COMMAND --json"),
    ("nats", ["-s", "x:1", "ls"], "invalid place of -s: put it after the command; run: ttweet COMMAND -s HOST:PORT"),
    ("gh", ["list", "-L", "5"], "unknown option -L; did you mean --limit?"),
    ("mosquitto_sub", ["follow", "-C", "1"], "unknown option -C; did you mean --count?"),
    ("mosquitto_sub", ["follow", "-W", "5"], "unknown option -W; did you mean --timeout?"),
    ("mosquitto_sub", ["wait", "-W", "5"], "unknown option -W; did you mean --timeout?"),
    ("docker", ["serve", "--bind", "0.0.0.0"], "unknown option --bind; did you mean --host?"),
    ("ntfy", ["post", "--topic", "ci", "x"], "unknown option --topic; did you mean --tag?"),
    ("tail", ["follow", "-n", "5"], "unknown option -n; did you mean --last?"),
    ("toot", ["@ann"], "unknown command '@ann'; to see an author's tweets: ttweet find from:ann"),
    ("twtxt", ["hello world"], "unknown command 'hello world'; to post it: ttweet post 'hello world'"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with filled_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.mark.parametrize(("program", "arguments"), WORK)
def test_a_first_try_works(server: Server, program: str, arguments: list[str]) -> None:
    done = run(*arguments, variables={"TTWEET_SERVER": server.address})
    assert (done.returncode, bool(done.stdout)) == (shell.DONE, True), program


@pytest.mark.parametrize(("program", "arguments", "command"), LEAD_TO)
def test_a_first_try_leads_to_the_command(program: str, arguments: list[str], command: str) -> None:
    said = f"ttweet: unknown command '{arguments[0]}'; did you mean ttweet {command}?"
    assert complains(*arguments) == (shell.USAGE, said), program


@pytest.mark.parametrize(
    ("program", "arguments", "said"),
    [
        (
            "mosquitto_pub",
            ["post", "-m", "hello"],
            "unknown option -m; give MESSAGE without it; see ttweet post --help",
        ),
        ("mosquitto_sub", ["follow", "-t", "ci"], "unknown option -t; give TAG without it; see ttweet follow --help"),
        ("mosquitto", ["serve", "-p", "8080"], "unknown option -p; give PORT without it; see ttweet serve --help"),
        ("mqtt", ["wait", "--topic", "ci"], "unknown option --topic; give TAG without it; see ttweet wait --help"),
        ("ntfy", ["post", "ci", "hello"], "2 arguments for one message; quote it: ttweet post 'ci hello'"),
        ("redis-cli", ["set", "x", "1"], "unknown command 'set'; see ttweet --help"),
        ("toot", ["edit", "3"], "unknown command 'edit'; see ttweet --help"),
    ],
)
def test_a_first_try_is_answered_with_what_works(program: str, arguments: list[str], said: str) -> None:
    assert complains(*arguments) == (shell.USAGE, f"ttweet: {said}"), program


@pytest.mark.parametrize(("program", "arguments", "said"), OPTIONS)
def test_an_option_of_another_program_is_answered_with_what_works(
    program: str, arguments: list[str], said: str
) -> None:
    said = f"ttweet: {said}; see ttweet {arguments[0]} --help"
    assert complains(*arguments) == (shell.USAGE, said), program


@pytest.mark.parametrize(("program", "arguments", "said"), ANSWERED)
def test_a_first_try_of_no_command_is_answered(program: str, arguments: list[str], said: str) -> None:
    assert complains(*arguments) == (shell.USAGE, f"ttweet: {said}"), program


def test_a_number_for_last_leads_to_the_newest_tweets(server: Server) -> None:
    said = "ttweet: no tweet has the tag #5; the newest tweets: ttweet find --limit 5"
    assert complains("last", "5", variables={"TTWEET_SERVER": server.address}) == (shell.NOTHING, said)

"""A session for people: what is typed is posted, and tweets appear as they are posted. Commands begin with a slash.

A thread reads the connection, and makes another one when it is lost. Standard library only, so that a session starts
at once.
"""

import re
import secrets
import select
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ttweet import defaults
from ttweet.cli import shell
from ttweet.cli.advice import beyond_the_limit
from ttweet.cli.chat.conversation import Conversation
from ttweet.cli.chat.screen import Screen
from ttweet.cli.live import News
from ttweet.client.cursor import KEEP_ALIVE_TIMEOUT_S, Cursor
from ttweet.client.retry import RetryBudget
from ttweet.client.sync_client import Client
from ttweet.client.waiting import Bell, pause, ready
from ttweet.model import hashtags
from ttweet.model.durations import ago
from ttweet.model.errors import ConnectError, Refused, SlowDown, TtweetError
from ttweet.model.limits import QUERY_LIMIT
from ttweet.model.query import unknown_fields_hint
from ttweet.model.reports import escape
from ttweet.model.times import now_ms
from ttweet.model.tweets import Tweet, nfc, queried_tag, search_key
from ttweet.protocol import calls

T = TypeVar("T")

HELP = """Type a message and press Enter to post it. Commands:
  /follow TAG...    show only new tweets with these tags
  /follow           show all new tweets
  /unfollow TAG...  stop following these tags
  /unfollow         show no new tweets
  /find QUERY       find tweets; without QUERY, the newest
  /tags             list the most used tags
  /who              list the names that are online
  /help             show this list
  /quit             end the session; Ctrl-D does the same
The tab key completes commands, #tags and @names.
To post a line that begins with /, begin it with //."""
COMMANDS = tuple(dict.fromkeys(re.findall(r"^  (/\w+)", HELP, re.MULTILINE)))

_ALONE = {"exit": "/quit", "quit": "/quit", "help": "/help"}  # typed to leave a program, not to be read by others
_OF_THE_COURSE = re.compile(r'tweet "|(un)?subscribe #|gettweets \w+$|getusers$|timeline$')


class ChatSession:
    """A signed-in user who follows tags, or all tweets. Raises as Client does."""

    def __init__(self, client: Client, screen: Screen) -> None:
        self._client = client
        self._own_name = nfc(client.name or "")
        self._screen = screen
        self._tags: list[str] | None = []  # followed; empty for all tweets, None for none
        self._news = News(complain=screen.complain, hint=screen.say)
        self._cursor = self._cursor_of(self._tags, None)
        self._lock = threading.Lock()  # of the cursor
        self._changed = Bell()  # with each new connection, and at the end
        self._fault: TtweetError | OSError | None = None  # what has ended the session
        self._leaving = threading.Event()
        self._code = shell.DONE
        self._conversation = self._connect()

    def run(self) -> int:
        """Carry out what is typed until `/quit`, or until it or the server ends. Returns an exit code.

        On a terminal it is 0; of a pipe it is that of the last line that failed. Raises what has ended the session.
        """
        if self._screen.is_typed:
            self._screen.say(f"{self._client.name} is online at {self._client.address}, {self._following()}")
            self._screen.say("type a message to post it, or /help")
        threading.Thread(target=self._receive, daemon=True).start()
        try:
            for line in self._screen.commands():
                if not self._goes_on(line.strip()):
                    return self._code
            if self._fault:
                raise self._fault
        finally:
            self._leaving.set()
            self._conversation.leave()
        return self._code

    def _goes_on(self, line: str) -> bool:
        """Carry out a line and return whether the session continues."""
        try:
            return self._carry_out(_ALONE.get(line, line))
        except (Refused, ConnectError, shell.UsageError) as error:
            if self._fault:
                raise self._fault from error
            self._screen.complain(shell.sentence(error))
            self._code = shell.DONE if self._screen.is_typed else shell.exit_code(error)
            return True

    def _carry_out(self, line: str) -> bool:
        command, _, rest = line.partition(" ")
        match command:
            case "":
                pass
            case "/quit":
                return False
            case "/help":
                self._screen.say(HELP)
            case "/follow":
                self._follow([*map(queried_tag, rest.split())])
            case "/unfollow":
                self._unfollow([*map(queried_tag, rest.split())])
            case "/find":
                self._find(rest.strip())
            case "/tags":
                self._list_tags()
            case "/who":
                self._say_listed(map(escape, self._ask(*calls.list_names()).names))
            case _ if line.startswith("/") and not line.startswith("//"):
                raise shell.UsageError(f"unknown command {shell.quoted(command)}; /help lists the commands")
            case _:
                self._post(line[1:] if line.startswith("//") else line)
        return True

    def _post(self, text: str) -> None:
        if _OF_THE_COURSE.match(text):
            raise shell.UsageError(
                "not posted: this is a command of ttweet chat --course; /help lists the commands of this session"
            )
        try:
            stored = self._ask(*calls.post(shell.checked_text(text), key=secrets.token_urlsafe(12)))
        except Refused as refused:
            raise beyond_the_limit(refused, "in a shell: ttweet post --split MESSAGE") from refused
        self._screen.say(f"posted #{stored.id}")

    def _follow(self, tags: list[str]) -> None:
        followed = {search_key(tag): tag for tag in self._tags or []}
        for tag in tags:
            followed.setdefault(search_key(tag), tag)
        self._change([*followed.values()] if tags else [])

    def _unfollow(self, tags: list[str]) -> None:
        followed = {search_key(tag): tag for tag in self._tags or []}
        for tag in tags:
            if followed.pop(search_key(tag), None) is None:
                raise shell.UsageError(f"not following #{escape(tag)}: {self._following()}")
        self._change([*followed.values()] if tags and followed else None)

    def _change(self, tags: list[str] | None) -> None:
        """Follow other tags, on this connection and on those that come after it. Raises Refused, ConnectError."""
        before, self._cursor = self._cursor, self._cursor_of(tags, self._cursor.after)
        try:
            answer = self._ask(*calls.follow(_asked(tags)))
        except BaseException:
            self._cursor = before
            raise
        with self._lock:
            self._cursor.after = max(self._cursor.after or 0, answer.cursor)
        self._tags = tags
        self._screen.say(self._following())

    def _following(self) -> str:
        if self._tags is None:
            return "following nothing"
        return f"following {' '.join([f'#{escape(tag)}' for tag in self._tags]) or 'all tweets'}"

    def _find(self, query: str) -> None:
        found = self._ask(*calls.find(query, limit=QUERY_LIMIT))
        now = now_ms()
        self._say_listed([_line(tweet, ago(tweet.at, now)) for tweet in reversed(found.tweets)])
        if found.more:
            self._screen.say(f"the newest {len(found.tweets)}; ttweet find shows more")
        if not found.tweets and (hint := unknown_fields_hint(query)):
            self._screen.say(hint)

    def _list_tags(self) -> None:
        tags = self._ask(*calls.list_tags(limit=QUERY_LIMIT)).tags
        self._say_listed([f"#{escape(one.tag)}: {shell.amount(one.count, 'tweet')}" for one in tags])

    def _say_listed(self, lines: Iterable[str]) -> None:
        self._screen.say("\n".join(lines) or "nothing found")

    def _ask(self, frame: bytes, shape: Callable[[Any], T]) -> T:
        """Make a request, again on the next connection when this one is lost, and later if the server is busy.

        Raises Refused, ConnectError.
        """
        until = time.monotonic() + defaults.TIMEOUT_S
        budget = RetryBudget()
        while True:
            conversation = self._conversation
            try:
                return conversation.call(frame, shape)
            except SlowDown as refused:
                pause(budget.pause_s(refused))
            except ConnectError:
                if not self._has_reconnected(conversation, until):
                    raise

    def _has_reconnected(self, lost: Conversation, until: float) -> bool:
        """Wait for another connection than the lost one, and return whether there is one."""
        while self._conversation is lost and not self._fault and ready({self._changed.fd: select.POLLIN}, until):
            self._changed.hush()
        return self._conversation is not lost

    def _receive(self) -> None:
        """Show what arrives, over one connection after another, until the session ends."""
        try:
            while True:
                fault = self._conversation.read(self._take)
                if self._leaving.is_set():
                    return
                self._conversation.leave()
                conversation = self._connect_again(fault)
                if conversation is None:
                    return
                self._conversation = conversation
                self._changed.ring()
        except (TtweetError, OSError) as error:
            self._fault = error
            self._changed.ring()
            self._screen.end()

    def _connect_again(self, fault: ConnectError | OSError) -> Conversation | None:
        """Return another connection, however long it takes; None once the session ends. Raises an error that lasts."""
        error: TtweetError | OSError = fault
        while True:
            if isinstance(error, OSError):
                raise error
            if self._leaving.wait(self._cursor.pause_s(error)):
                return None
            try:
                return self._connect()
            except (ConnectError, Refused) as exc:
                error = exc

    def _connect(self) -> Conversation:
        """Return a connection that is signed in and follows. Raises ConnectError, Refused."""
        link = self._client.connect()
        try:
            link.send(self._cursor.request())
            self._cursor.receive(link.receive())
        except BaseException:
            link.close()
            raise
        link.wait_at_most(KEEP_ALIVE_TIMEOUT_S)
        return Conversation(link)

    def _cursor_of(self, tags: list[str] | None, after: int | None) -> Cursor:
        cursor = Cursor(_asked(tags), after, self._news, rotation=self._client.rotation)
        cursor.started = True
        return cursor

    def _take(self, line: bytes) -> None:
        with self._lock:
            tweet = self._cursor.receive(line)
        if tweet is not None and tweet.text and tweet.by != self._own_name:
            self._screen.say(_line(tweet, time.strftime("%H:%M:%S", time.localtime(tweet.at / 1000))))


def _asked(tags: list[str] | None) -> list[str]:
    """Return the tags to ask for. For none it is one that no tweet has: the server checks an idle follower's link."""
    return [secrets.token_hex(16)] if tags is None else tags


def _line(tweet: Tweet, when: str) -> str:
    """Return a tweet as `follow` shows it, on one line."""
    text = tweet.text
    beside = [f"#{tag}" for tag in hashtags.beside(tweet.tags, text)]
    by = f"{tweet.by}: " if tweet.by else ""
    parts = [(f"#{tweet.id}", "2"), (when, "36"), (escape(by), "1;36")]
    number, when, by = [_styled(part, style) for part, style in parts]
    return f"{number}  {when}  {by}{escape('  '.join([text, ' '.join(beside)]).rstrip())}"


def _styled(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if text and shell.has_colour(sys.stdout) else text

"""The session of the networking course that ttweet descends from: its commands, and its words to the letter.

A thread reads the connection and prints each push when it comes. Standard library only.
"""

import ipaddress
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence

from ttweet import defaults
from ttweet.cli.chat import conversation
from ttweet.cli.chat.conversation import Conversation
from ttweet.cli.chat.screen import Screen
from ttweet.cli.shell import DONE, UNREACHABLE, USAGE, exit_code, sentence
from ttweet.client.servers import port_of
from ttweet.client.sync_client import Client
from ttweet.client.tcp import addresses
from ttweet.client.waiting import FOREVER
from ttweet.model.errors import REQUEST_FAULTS, ConnectError, Refused
from ttweet.model.limits import MAX_QUERY_LIMIT
from ttweet.model.reports import escape
from ttweet.model.tweets import MAX_CHARACTERS, MAX_NAME_CHARACTERS, Tweet
from ttweet.protocol import calls, frames, pushes

ALL = "ALL"
MAX_SUBSCRIPTIONS = 3  # of a session, as in the networking course
MAX_TIMELINE = 10_000  # newest tweets that `timeline` shows: 4 MiB
OWN_PUSH_S = 1.0  # for the session's own tweet to return, so that the next command finds it in the timeline

ARGS = "error: args should contain <ServerIP>   <ServerPort>   <Username>"
BAD_IP = "error: server ip invalid, connection refused."
BAD_PORT = "error: server port invalid, connection refused."
BAD_NAME = "error: username has wrong format, connection refused."
NO_SERVER = "connection error, please check your server: {}"
SIGNED_IN = "username legal, connection established."
NAME_TAKEN = "username illegal, connection refused."
SUCCESS = "operation success"
SUB_FAILED = "operation failed: sub #{} failed, already exists or exceeds 3 limitation"
BAD_LENGTH = "message length illegal, connection refused."
BAD_FORMAT = "message format illegal."
BAD_TAG = "hashtag illegal format, connection refused."
NO_USER = "no user {} in the system"
BYE = "bye bye"
CLOSED = "Connection closed"


def run(arguments: Sequence[str], screen: Screen, ca: str | None = None) -> int:
    """Hold a session with a server: host, port, name. Returns an exit code; every word goes to the screen.

    `ca` is as Client takes it.
    """
    if len(arguments) != 3:
        screen.say(ARGS)
        return USAGE
    host, port, name = arguments
    fault = _fault(host, port, name)
    if fault:
        screen.say(fault)
        return USAGE
    try:
        session = CourseSession(host, int(port), name, screen, ca)
    except ConnectError as error:
        screen.say(NO_SERVER.format(_reason(error)))
        return exit_code(error)
    except Refused as refused:
        said = {"bad_name": BAD_NAME, "name_taken": NAME_TAKEN}
        screen.say(said.get(refused.code) or NO_SERVER.format(refused.text))
        return exit_code(refused)
    return session.run()


class CourseSession:
    """A signed-in user: subscriptions, and the tweets received since. `server`, `port`, `ca`: as Client takes them.

    Raises as Client does.
    """

    def __init__(self, server: str | None, port: int | None, name: str, screen: Screen, ca: str | None = None) -> None:
        self._screen = screen
        self._say = screen.say
        self._subscribed: list[str] = []
        self._received: deque[Tweet] = deque(maxlen=MAX_TIMELINE)
        self._newest = 0
        link = Client(server, port, name=name, ca=ca).connect()
        link.wait_at_most(FOREVER)
        self._conversation = Conversation(link)
        self._call = self._conversation.call

    def run(self) -> int:
        """Say that it is signed in and carry out commands until `exit`, or until they or the server end.

        Returns an exit code.
        """
        threading.Thread(target=self._read, daemon=True).start()
        self._say(SIGNED_IN)
        try:
            for command in self._screen.commands():
                if not self._goes_on(command.strip()):
                    return DONE
            if self._conversation.fault:
                self._conversation.raise_last_words(self._conversation.fault)
        except ConnectError as error:
            self._say(NO_SERVER.format(CLOSED if error.text == conversation.CLOSED else sentence(error)))
            return UNREACHABLE
        finally:
            self._conversation.leave()
        return DONE

    def _goes_on(self, command: str) -> bool:
        """Carry out the command and return whether the session continues.

        A refusal that the course has no words for has the server's.
        """
        try:
            return self._carry_out(command)
        except Refused as refused:
            self._say(f"error: {refused.text}")
            return True

    def _carry_out(self, command: str) -> bool:
        """Carry out the command and return whether the session continues."""
        word, _, rest = command.partition(" ")
        rest = rest.strip()
        match word:
            case "tweet":
                self._tweet(rest)
            case "subscribe" | "unsubscribe":
                self._change(word, rest)
            case "timeline":
                for tweet in list(self._received):
                    self._say(_line(tweet, ":"))
            case "getusers":
                for name in self._call(*calls.list_names()).names:
                    self._say(escape(name))
            case "gettweets":
                self._get_tweets(rest)
            case "exit":
                self._say(BYE)
                return False
            case "":
                pass
            case _:
                self._say(f"error: no command {escape(word)}")
        return True

    def _tweet(self, rest: str) -> None:
        found = re.fullmatch(r'"(.*)"\s*([^"]*)', rest, re.DOTALL)
        if found is None or not found[1]:
            return self._say(BAD_FORMAT)
        if len(found[1]) > MAX_CHARACTERS:
            return self._say(BAD_LENGTH)
        tags = _tags(found[2])
        if not tags or ALL in tags:
            return self._say(BAD_TAG)
        try:
            stored = self._call(*calls.post(found[1], tags, scan=False))
        except Refused as refused:
            if refused.code not in REQUEST_FAULTS:
                raise
            return self._say({"too_long": BAD_LENGTH, "bad_tag": BAD_TAG}.get(refused.code, BAD_FORMAT))
        if ALL in self._subscribed or set(tags) & set(self._subscribed):
            self._conversation.wait_for(lambda: self._newest >= stored.id, OWN_PUSH_S)
        return None

    def _change(self, word: str, rest: str) -> None:
        tags = _tags(rest)
        if len(tags) != 1:
            return self._say(BAD_TAG)
        (tag,) = tags
        if word == "subscribe":
            if tag in self._subscribed or len(self._subscribed) == MAX_SUBSCRIPTIONS:
                return self._say(SUB_FAILED.format(tag))
            self._subscribe([*self._subscribed, tag])
        else:
            self._subscribe([] if tag == ALL else [one for one in self._subscribed if one != tag])
        return self._say(SUCCESS)

    def _subscribe(self, tags: list[str]) -> None:
        """Follow these; the server takes none for all, so none is to cancel.

        Tweets pushed directly after its answer are for these too; tweets still in transit for others are not shown.
        """
        before, self._subscribed = self._subscribed, tags
        try:
            if not tags and before:
                self._call(*calls.unfollow())
            elif tags != before:
                self._call(*calls.follow([] if ALL in tags else tags))
        except Refused:
            self._subscribed = before
            raise

    def _get_tweets(self, name: str) -> None:
        try:
            for tweet in self._since_login(name):
                self._say(_line(tweet, ":"))
        except Refused as refused:
            if refused.code not in {"bad_name", "not_online"}:
                raise
            self._say(NO_USER.format(escape(name)))

    def _since_login(self, name: str) -> Iterator[Tweet]:
        after, more = 0, True
        while more:
            tweets, more = self._call(*calls.tweets_since_login(name, limit=MAX_QUERY_LIMIT, after=after))
            yield from tweets
            more = more and bool(tweets) and tweets[-1].id > after  # a page that goes nowhere is the last
            after = tweets[-1].id if tweets else after

    def _read(self) -> None:
        """Take what the server sends until it is gone, which ends the session, whatever is being typed."""
        self._conversation.read(self._push)
        self._screen.end()

    def _push(self, line: bytes) -> None:
        tweet = pushes.decode(frames.loads(line))
        if not isinstance(tweet, Tweet):
            return
        if tweet.text and (ALL in self._subscribed or set(tweet.tags) & set(self._subscribed)):
            self._received.append(tweet)
            self._say(_line(tweet))
        self._newest = tweet.id


def _fault(host: str, port: str, name: str) -> str | None:
    """Return the problem of the arguments, checked in their order."""
    if not _is_host(host):
        return BAD_IP
    if port_of(port, lowest=1024) is None:
        return BAD_PORT
    if not (name.isalnum() and len(name) <= MAX_NAME_CHARACTERS):
        return BAD_NAME
    return None


def _is_host(host: str) -> bool:
    """Return whether a text is an address, or a name that has one.

    Digits and dots alone are no name, though libc may accept them.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return not re.fullmatch(r"[\d.]*", host) and _is_known(host)
    return True


def _is_known(host: str) -> bool:
    """Whether a host has an address. When a resolver fails for the moment, connecting gives the better error."""
    try:
        return bool(addresses(host, 0, time.monotonic() + defaults.TIMEOUT_S))
    except socket.gaierror as exc:
        return exc.errno == socket.EAI_AGAIN
    except UnicodeError:
        return False


def _reason(error: ConnectError) -> str:
    cause = error.__cause__ if error.code == "unreachable" else None
    return cause.strerror if isinstance(cause, OSError) and cause.strerror else sentence(error)


def _tags(field: str) -> list[str]:
    """Return the tags of `#a#b`; none when it is not of that form."""
    return field[1:].split("#") if re.fullmatch(r"(#[^\W_]+)+", field) else []


def _line(tweet: Tweet, colon: str = "") -> str:
    tags = "".join([f"#{tag}" for tag in tweet.tags])
    return escape(f'{tweet.by or "anonymous"}{colon} "{tweet.text}" {tags}'.rstrip())

"""Report lines: events of the server and of its clients, and their vocabulary.

A report is one line: characters that would break a line, steer a terminal, turn the direction of writing or hide are
escaped, so that a message can forge nothing. The same escape serves what the command line prints to a terminal. Quick
to import: the classic commands use it. Knows no trio and no SQL.
"""

from __future__ import annotations

import re
from functools import cache

from ttweet.model import events
from ttweet.model.events import Event, Peer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Literal

    Side = Literal["SERVER", "CLIENT"]
    Category = Literal["GENERAL", "ERROR", "CONNECTION"]

Details = tuple[str | None, str | None, str | None]
"""The client that a line is about: the code of its error, the name of its token, its IP address."""
SIDES = ("SERVER", "CLIENT")
CATEGORIES = ("GENERAL", "ERROR", "CONNECTION")
MAX_BYTES = 1600  # escaped text of a report line: a path and an address fit, or 150 characters such as \U000e0041
MAX_CLIENT_BYTES = 300  # escaped text of a client's report line: an address fits, or 150 ASCII characters

SUCCESS = "Transmission Successfull..."  # the spelling is the first ttweet's and stays
RECEIVED = "Received Message: "
STORED = "Message Received: "
EMPTY_MESSAGE = "Empty Message"  # what is shown for an empty tweet, or for none
LINE_STARTS = (*[f"{side} ALERT [" for side in SIDES], SUCCESS, RECEIVED)
"""How each report line begins, and so a file of them."""

# Invisible letters and marks; to Python they are printable.
_BLANK_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"
# Other characters that hide or steer text: controls, line breaks, lone surrogates, and the format characters except the
# two joiners and those that are drawn, such as U+0600. Variation selectors are not here: emoji are written with them.
HIDDEN = (
    "\0-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\ufffb"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
    f"{_BLANK_LETTERS}"
)
"""The characters that are escaped, for the inside of a character class. Pages show them as their numbers too."""

# The characters that an earlier ttweet escaped: its lines are still in the log.
_HIDDEN_EARLIER = "\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_ESCAPE_LENGTHS = {"x": len(r"\x1b"), "u": len(r"\u202e"), "U": len(r"\U000e0001")}  # by what follows the backslash


def escape(text: str) -> str:
    r"""Return the text on one line, harmless to a terminal, each invisible character written like `\x1b`."""
    # The search for invisible letters takes a sixth of that for all that is hidden.
    if text.isprintable() and (text.isascii() or _any_of(_BLANK_LETTERS).search(text) is None):
        return text
    return _any_of(HIDDEN).sub(_visible, text)


@cache
def _any_of(characters: str) -> re.Pattern[str]:
    """Return the pattern of one of these characters, compiled when first needed: most commands escape nothing."""
    return re.compile(f"[{characters}]")


def _visible(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _bounded(text: str, most: int) -> str:
    """Return the beginning of a text, escaped, at most so many bytes of UTF-8.

    The beginning ends after a whole character or escape.
    """
    escaped = escape(text[: most + 1])
    if 4 * len(escaped) <= most or len(escaped.encode()) <= most:
        return escaped
    beginning = escaped.encode()[:most].decode(errors="ignore")
    last = beginning.rfind("\\")
    if last >= 0 and last + _ESCAPE_LENGTHS.get(escaped[last + 1], 2) > len(beginning):
        return beginning[:last]
    return beginning


class Report:
    """One line of the report log: its side, its category (None for the client's two bare lines) and its text.

    `details` is what its columns tell beside the text; None for most lines, such as that of an upload. `event` is what
    it tells of, which is shown when the line is queued; None where that is shown later, as a post and a deletion are.
    """

    __slots__ = ("category", "details", "event", "side", "text")

    def __init__(
        self,
        side: Side,
        category: Category | None,
        text: str,
        details: Details | None = None,
        event: Event | None = None,
    ) -> None:
        self.side = side
        self.category = category
        self.text = _bounded(text, MAX_BYTES)
        self.details = details
        self.event = event

    @property
    def line(self) -> str:
        """The report as Sample.txt has it, without a line end."""
        return line(self.side, self.category, self.text)

    def __repr__(self) -> str:
        return f"Report({self.line!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Report) and self.line == other.line

    def __hash__(self) -> int:
        return hash(self.line)


def line(side: str, category: str | None, text: str) -> str:
    """Return the one-line form of a report whose text is escaped already."""
    return text if category is None else f"{side} ALERT [{category}] {text}"


def suffix(code: str | None, identity: str | None, address: str | None) -> str:
    """Return the end of an error's line on a terminal; nothing for a line without a code."""
    if code is None:
        return ""
    values = {"code": code, "address": address, "identity": identity}
    return "".join([f" {name}={value}" for name, value in values.items() if value is not None])


def from_client(text: str) -> Report:
    """Return a line that a client sent of itself, filed under CLIENT whatever it says and cut at MAX_CLIENT_BYTES.

    `CLIENT ALERT [CATEGORY] ...` and the two bare lines are taken as they are; anything else becomes the text of a
    GENERAL line, so that no client can write in the server's name.
    """
    if text == SUCCESS or text.startswith(RECEIVED):
        return _of_client(None, text)
    for category in CATEGORIES:
        prefix = f"CLIENT ALERT [{category}] "
        if text.startswith(prefix):
            return _of_client(category, text.removeprefix(prefix))  # type: ignore[arg-type]  # one of CATEGORIES
    return _of_client("GENERAL", text)


def _of_client(category: Category | None, text: str) -> Report:
    report = Report("CLIENT", category, _bounded(text, MAX_CLIENT_BYTES))
    report.event = Event(events.REPORTED, line=report.line)
    return report


# The vocabulary, server's side


def server_started(host: str) -> Report:
    """Report that the server listens."""
    return Report("SERVER", "GENERAL", f"SERVER ON HAS INITIALIZED ON IP: {host}")


def start_failed(host: str) -> Report:
    """Report that the server could not listen."""
    return Report("SERVER", "ERROR", f"SERVER COULD NOT BE STARTED ON IP: {host}")


def server_stopped() -> Report:
    """Return the last line of a session that ended in order."""
    return Report("SERVER", "CONNECTION", "SERVER HAS DISCONNECTED", event=Event(events.STOPPED))


def client_connected(peer: Peer, total: int) -> Report:
    """Report that a client connected; `total` includes it."""
    text = f"NEW CONNECTION OF CLIENT: {peer} Total: {total}"
    return Report("SERVER", "CONNECTION", text, _of(peer), Event(events.CONNECTED, peer, clients=total))


def client_left(peer: Peer, reason: str | None = None) -> Report:
    """Report that a client left; `reason` is why the server closed the connection, if it did."""
    event = Event(events.DISCONNECTED, peer, reason=reason)
    return Report("SERVER", "CONNECTION", f"DISCONNECTION OF CLIENT: {peer}", _of(peer), event)


def message_received(text: str) -> Report:
    """Report that a tweet was stored; an empty one reads `Empty Message`."""
    return Report("SERVER", "GENERAL", f"{STORED}{text or EMPTY_MESSAGE}")


def message_deleted(tweet: int, by: str) -> Report:
    """Report that a tweet was deleted; `by` is a name or an address, and the text is left out."""
    return Report("SERVER", "GENERAL", f"Message Deleted: {tweet} By: {by}")


def messages_removed(count: int, up_to: int) -> Report:
    """Report that the server's retention has removed the oldest tweets."""
    event = Event(events.REMOVED, tweets=count, up_to=up_to)
    return Report("SERVER", "GENERAL", f"Messages Removed: {count} Up To: {up_to}", event=event)


def lines_lost(count: int) -> Report:
    """So many report lines found no room, as the disk took none for long."""
    event = Event(events.LINES_LOST, lines=count)
    return Report("SERVER", "ERROR", f"REPORT LINES LOST: {count}", event=event)


def input_refused(
    peer: Peer, code: str, identity: str | None = None, *, name: str | None = None, why: str = ""
) -> Report:
    """Report a refusal. `code` and `why` are those of the error.

    `identity` is the name of its token, `name` the one it has signed in under.
    """
    text = f"INPUT COULD NOT BE PROCESSED FROM CLIENT: {peer}"
    event = Event(events.REJECTED, peer, identity or name, code=code, text=why)
    return Report("SERVER", "ERROR", text, (code, identity, peer[0]), event)


def not_secured(peer: Peer, why: str) -> Report:
    """Report that a TLS handshake failed."""
    event = Event(events.REJECTED, peer, code="tls", text=why)
    return Report("SERVER", "ERROR", f"NO TLS WITH CLIENT: {peer} {why}", ("tls", None, peer[0]), event)


def _of(peer: Peer) -> Details:
    return None, None, peer[0]


def traces(text: str) -> tuple[str, str, str, str, str]:
    """Return the texts of the report lines in which a tweet's text stands: of its upload, and of a download shown.

    An earlier ttweet escaped fewer characters, and stored the line of a download whole.
    """
    shown = message_shown(text).text
    earlier = _any_of(_HIDDEN_EARLIER).sub(_visible, text)
    return message_received(text).text, shown, from_client(shown).text, f"{STORED}{earlier}", f"{RECEIVED}{earlier}"


def blanked(text: str) -> str:
    """Return the line that replaces one of `traces` after the deletion of its tweet."""
    return f"{text.partition(': ')[0]}: (deleted)"


def without_texts(lines: Sequence[Report], texts: Iterable[str]) -> Sequence[Report]:
    """Return the report lines without the texts of these tweets, which no later deletion would find in them."""
    found = {trace for text in texts if text for trace in traces(text)}
    if not found:
        return lines
    return [
        Report(one.side, one.category, blanked(one.text), one.details) if one.text in found else one for one in lines
    ]


# The vocabulary, client's side


def client_activated(host: str) -> Report:
    """Report that a client of the classic command line begins its one operation."""
    return Report("CLIENT", "GENERAL", f"CLIENT HAS INITIALIZED ON IP: {host}")


def client_deactivated() -> Report:
    """Report that a client of the classic command line is done."""
    return Report("CLIENT", "GENERAL", "CLIENT HAS DISCONNECTED")


def message_shown(text: str) -> Report:
    """Report a download as its client shows it; an empty one reads `Empty Message`."""
    return Report("CLIENT", None, f"{RECEIVED}{text or EMPTY_MESSAGE}")


def transmission_done() -> Report:
    """Report that a client's operation succeeded."""
    return Report("CLIENT", None, SUCCESS)

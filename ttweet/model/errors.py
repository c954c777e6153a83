"""The one exception family: a code for machines, a sentence for people.

Three families on the server's side, by what happens next: `Refused` (answer, continue), `ProtocolError` (answer once,
close) and `StoreError` (the store could not carry it out). `OpenError` keeps a server from starting; `ConnectError` is
the client's, without an answer. Knows nothing else of ttweet.
"""

WIRE_CODES = {
    "bad_operation": "unknown operation",
    "bad_request": "data of the wrong kind, or an unknown field",
    "bad_frame": "not a frame: invalid JSON, not two elements, or a frame or number that is too large; *closes*",
    "bad_protocol": "the first bytes belong to neither protocol; *closes*",
    "tls": "one end speaks TLS and the other does not, or does not accept the certificate; *closes*",
    "timeout": "no first byte, no end of a frame or no next frame in time; *closes*",
    "forbidden": "the client lacks the right; *closes* if it has no right at all, or follows and may no longer read",
    "token": "the token is wrong, revoked or expired; *closes*",
    "slow_down": "too many requests; nothing was done. Or too many wrong tokens, and *closes*",
    "busy": "another process locks the database; nothing was stored. Or the server is full, and *closes*",
    "too_long": "the text has too many characters or bytes",
    "bad_text": "the text contains U+0000 or a lone surrogate",
    "bad_tag": "an invalid tag, a tag with too long a search key, too many tags, or tags beside an empty text",
    "bad_key": "the idempotency key is empty, too long or contains U+0000",
    "bad_query": "the query is too long, asks for nothing, or a part of it means nothing",
    "bad_name": "the name is empty, too long, or not made of letters and digits",
    "name_taken": "the name, or one that looks like it, is online or belongs to a token; may *close* in a cluster",
    "not_online": "no client is online under this name",
    "no_tweet": "no tweet has this id, or retention has removed it",
    "full": "the disk is full; nothing was stored; queries still work",
    "no_quorum": "most nodes of the cluster cannot be reached; nothing was stored; queries still work",
    "behind": "the server does not have the tweet yet that the request names; try again, or ask another server",
    "altered": "another program changed the database's schema; nothing was stored; queries still work; try again later",
    "moved": "the database file was moved, replaced or removed; nothing was stored; queries still work",
    "used_up": "the database has used all its ids; nothing was stored; queries and deletions still work",
    "stopping": "the server is stopping; nothing was stored; *closes* soon",
    "unknown": "the change may be made or not; delete again, or post again with the same key, if any; may *close*",
    "internal": "the server failed; nothing was stored; may *close*",
}
"""The codes that a server sends. The errors marked *closes* end the connection."""

LOCAL_CODES = {
    # Of opening a database file.
    "missing": "the file does not exist",
    "denied": "no permission to read or write the file or its folder",
    "not_ours": "the file is not a database of ttweet",
    "damaged": "the database is damaged",
    "newer": "a newer ttweet wrote the file",
    "locked": "another server is using the file",
    "in_cluster": "the file follows the log of a cluster, and only a server of that cluster may write to it",
    # Of starting a server and of connecting to one.
    "unsafe": "other machines could reach a server without tokens or TLS",
    "sockets": "the sockets that systemd passes are not those that the server is to listen on",
    "unreachable": "no server answers at that address",
}
"""The codes that never cross the network."""

CODES = WIRE_CODES | LOCAL_CODES

REQUEST_FAULTS = frozenset({"bad_key", "bad_name", "bad_query", "bad_request", "bad_tag", "bad_text", "too_long"})
"""The refusals that concern the request alone: the same request is refused again, and the next one may be taken."""

PASSING = frozenset(
    {
        "altered",
        "behind",
        "busy",
        "full",
        "internal",
        "moved",
        "name_taken",
        "no_quorum",
        "slow_down",
        "stopping",
        "timeout",
        "unknown",
        "used_up",
    }
)
"""The refusals that concern the state of the server: the same request may be carried out later.

After `unknown` it may have been carried out already, after each of the others it was not. A code in neither set, such
as `token`, lasts until a person changes something at the server or the client.
"""


class TtweetError(Exception):
    """An error with a `code` (a key of CODES) and a `text`: what happened, the value seen, what would work.

    The text is the `problem` and, if there is one, the `remedy`: one of remedies.py, or another sentence. `about` is
    what the remedy is for, such as the path of a database, for a program that has a command for it.
    """

    identity: str | None = None
    """The name of the token that the error is about, where that is not the client's own."""

    def __init__(self, code: str, problem: str, remedy: str = "", *about: str) -> None:
        self.text = f"{problem}; {remedy}" if remedy else problem
        super().__init__(self.text)
        self.code = code
        self.problem = problem
        self.remedy = remedy
        self.about = about

    @property
    def public_text(self) -> str:
        """The text for the clients of a server, which names none of its files."""
        return self.text


class Refused(TtweetError):
    """A request that is not carried out; the connection stays open."""


class SlowDown(Refused):
    """A request above the rate: nothing was done. Repeat it after `wait_s` whole seconds."""

    def __init__(self, text: str, wait_s: int) -> None:
        super().__init__("slow_down", text)
        self.wait_s = wait_s


class ProtocolError(TtweetError):
    """Bytes that are not the protocol: answered once, then the connection is closed."""


class TokenError(ProtocolError):
    """An invalid token: the code is `token`. `identity` is its name, if there ever was such a token."""

    def __init__(self, text: str, identity: str | None = None) -> None:
        super().__init__("token", text)
        self.identity = identity


class StoreError(TtweetError):
    """The store could not carry out a change or a query.

    With the codes `full`, `busy`, `no_quorum` and `altered` nothing was written and a later try may work. After
    `unknown` (an I/O error at COMMIT) and `internal` the store must not be written to any more.
    """

    @property
    def may_pass(self) -> bool:
        """Whether trying again later makes sense."""
        return self.code in ("full", "busy", "no_quorum", "altered", "used_up")


class Displaced(StoreError):
    """The database is no longer the file of its name: nothing is written to it any more, but it can be read.

    The code is `unknown` for what was committed when this was found, and `moved` for what was not tried. The text is
    for the operator, because it names files.
    """

    @property
    def may_pass(self) -> bool:
        """The file may be put back in its place."""
        return True

    @property
    def public_text(self) -> str:
        """See TtweetError."""
        return _DISPLACED[self.code]


_DISPLACED = {
    "unknown": "the database file was moved, replaced or removed; the change may be made or not",
    "moved": "the database file was moved, replaced or removed; nothing is stored until the operator fixes this",
}


class OpenError(TtweetError):
    """A file cannot be opened, or must not be; it was not touched. The text says what to do."""


class DatabaseError(OpenError):
    """The database cannot be opened under its name. The caller adds to the text how to choose another one."""


class ConnectError(TtweetError):
    """No server was reached, or it went away before it answered. The code is `unreachable`, `unknown` or `tls`."""


class ResolverError(ConnectError):
    """The name of a server cannot be looked up at the moment: whether there is such a host is not known."""


class SetupError(ConnectError):
    """The client's settings for connecting are invalid, so no server was asked. The code may be `token` too."""

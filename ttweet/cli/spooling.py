"""The spool of `post` and `run`: waiting tweets go first, then the new one; a tweet that cannot go now is kept.

A tweet leaves the spool when the server has stored it or refuses it for what it is (`REQUEST_FAULTS`). Every other
refusal, such as that of a token, keeps it, whether it is new or has waited.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

from ttweet.cli import shell
from ttweet.cli.open_client import OpenAs
from ttweet.cli.state_folder import naming_the_variable, state_folder
from ttweet.client.spool import MAX_KEPT, MAX_WAIT_S, FullError, HeldError, Parcel, Spool, SpooledParcel
from ttweet.model import tweets
from ttweet.model.errors import REQUEST_FAULTS, ConnectError, Refused, TtweetError
from ttweet.model.reports import escape
from ttweet.model.times import now_ms
from ttweet.protocol.replies import Stored

KEPT = "the next ttweet post or run with --spool sends it"


class KeptError(ConnectError):
    """It was not delivered and is in the spool; the code and the text say why."""


def post(
    open_as: OpenAs, text: str, *, by: str | None, tags: Iterable[str] = (), scan: bool = True, key: str | None = None
) -> Stored:
    """Post what waits for the server, then this. Where the spool cannot be written it is posted without.

    Raises KeptError when the tweet is kept, Refused and ConnectError when it is not.
    """
    parcel = _parcel(open_as, text, by=by, tags=list(tags), scan=scan, key=key)
    try:
        return _keep_and_deliver(Spool(folder()), open_as, parcel)
    except FullError:
        shell.complain(f"the spool is full: {MAX_KEPT:,} tweets wait in {folder()}; posting without it")
    except OSError as exc:
        shell.complain(f"{exc.filename or 'the spool'}: {exc.strerror or exc}; posting without the spool")
    with open_as(by) as client:
        return client.post(text, tags=parcel.tags, scan=scan, key=parcel.key)


@naming_the_variable()
def post_waiting(open_as: OpenAs) -> None:
    """Post what waits for the server. Raises KeptError when some of it still has to, Refused, OSError."""
    spool = Spool(folder())
    try:
        with spool.locked(_tell_wait), _clients(open_as) as clients:
            _deliver_waiting(spool, clients, server := _server(open_as))
            _tell_others(spool, server)
    except HeldError as held:
        raise KeptError("unreachable", f"{held}; the waiting tweets are kept") from held
    except TtweetError as error:
        raise KeptError(error.code, f"{shell.sentence(error)}; the waiting tweets are kept") from error


def folder() -> Path:
    """Where the tweets of this user wait. Raises OSError when there is no such place."""
    return state_folder("the spool") / "spool"


def _parcel(open_as: OpenAs, text: str, *, by: str | None, tags: list[str], scan: bool, key: str | None) -> Parcel:
    """Return the tweet as any server accepts it; one that none accepts is not kept. Raises Refused."""
    tweets.refuse_impossible(text, tags=tags, key=key, by=by)
    return Parcel(_server(open_as), by, text, tags, scan, key or secrets.token_hex(16), now_ms())


@naming_the_variable()
def _keep_and_deliver(spool: Spool, open_as: OpenAs, parcel: Parcel) -> Stored:
    with ExitStack() as stack:
        try:
            stack.enter_context(spool.locked(_tell_wait))
        except HeldError as held:
            spool.keep_late(parcel)
            raise KeptError("unreachable", f"kept: {held}; {KEPT}") from held
        except KeyboardInterrupt:
            _keep_interrupted(spool, parcel)
            raise
        return _deliver(spool, open_as, spool.keep(parcel))


def _keep_interrupted(spool: Spool, parcel: Parcel) -> None:
    """Keep a tweet whose command is to end at once: where it cannot be kept it is not posted either."""
    try:
        spool.keep_late(parcel)
    except (FullError, OSError):
        shell.complain("interrupted; neither posted nor kept, as the spool cannot be written")
    else:
        shell.complain(f"kept: interrupted; {KEPT}")


def _tell_wait(holder: str) -> None:
    shell.hint(f"{holder} uses the spool; waiting for it, {MAX_WAIT_S:g} s at most")


def _tell_others(spool: Spool, server: str) -> None:
    """Name the other servers with waiting tweets: each spelling of a server's name has tweets of its own."""
    entries = [entry for entry in spool.take() if isinstance(entry, SpooledParcel)]
    others = sorted({entry.parcel.server for entry in entries} - {server})
    if others:
        shell.hint(f"still kept for --server {escape(' or '.join(others))}")


def _deliver(spool: Spool, open_as: OpenAs, mine: SpooledParcel) -> Stored:
    with _clients(open_as) as clients:
        try:
            _deliver_waiting(spool, clients, mine.parcel.server, before=mine)
            return _attempt(spool, clients, mine)
        except KeyboardInterrupt:
            shell.complain(f"kept: interrupted; {KEPT}")
            raise
        except TtweetError as error:
            if error.code in REQUEST_FAULTS:
                spool.remove(mine)
                raise
            raise KeptError(error.code, f"kept: {shell.sentence(error)}; {KEPT}") from error


def _deliver_waiting(spool: Spool, clients: OpenAs, server: str, *, before: SpooledParcel | None = None) -> None:
    """Post what waits for the server, in order, up to the entry. Raises the error that stops it."""
    posted = 0
    try:
        for entry in spool.take():
            if isinstance(entry, Path):
                _set_aside(spool, entry, "damaged", "damaged file in the spool")
            elif before and entry.path == before.path:
                break
            elif entry.parcel.server == server:
                posted += _post_one(spool, clients, entry)
    finally:
        if posted:
            shell.hint(f"posted {shell.amount(posted, 'waiting tweet')}")


def _post_one(spool: Spool, clients: OpenAs, entry: SpooledParcel) -> bool:
    """Whether it is posted; if not it is set aside, so that it is not in the way of the others."""
    if spool.is_too_old(entry):
        _set_aside(spool, entry.path, "old", f"too old to post safely, as it may be stored already: {_shown(entry)}")
        return False
    try:
        _attempt(spool, clients, entry)
    except Refused as refused:
        if refused.code not in REQUEST_FAULTS:
            raise
        _set_aside(spool, entry.path, "refused", f"{refused.text}: {_shown(entry)}")
        return False
    return True


def _attempt(spool: Spool, clients: OpenAs, entry: SpooledParcel) -> Stored:
    """Post an entry and take it out of the spool. Unless an error leaves it unknown, its file is as it was before."""
    sent = spool.mark_sent(entry)
    parcel = entry.parcel
    try:
        stored = clients(parcel.by).post(parcel.text, tags=parcel.tags, scan=parcel.scan, key=parcel.key)
    except TtweetError as error:
        if error.code != "unknown" and not entry.may_be_stored:
            spool.mark_new(sent)
        raise
    spool.remove(sent)
    return stored


def _set_aside(spool: Spool, path: Path, end: str, why: str) -> None:
    shell.complain(f"{why}; moved to {spool.set_aside(path, end)}")


def _shown(entry: SpooledParcel) -> str:
    return f"'{escape(entry.parcel.text)}'"


@contextmanager
def _clients(open_as: OpenAs) -> Iterator[OpenAs]:
    """Yield the clients of each name, which keep their connections to the end."""
    with ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(open_as(name)))


def _server(open_as: OpenAs) -> str:
    return open_as(None).address  # it has not connected yet

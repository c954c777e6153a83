"""Whether ids tell the order of all that was seen: what was over before something began has the lower id.

One sweep over the moments at which answers came, O(n log n). Tweets that were deleted are left out: the last message
may be an older one again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple
from unicodedata import normalize

from proofs.findings import Findings
from proofs.history import History, Read, Upload
from proofs.stored import StoredContent

NEVER = 2**63


class Sighting(NamedTuple):
    """Something that shows an id to be committed between two moments; a write is what makes it so."""

    invoked: int
    returned: int
    id: int
    write: bool = False


def check(history: History, stored: StoredContent, findings: Findings) -> None:
    """Nothing may be older than what was seen before it began, or newer than what there was when it ended."""
    writes = list(_writes(history, stored))
    pushed = [Sighting(push.received, push.received, push.tweet.id) for push in history.pushes]
    last = [_shown(read) for read in history.reads if read.about is None]
    pages = _newest_pages(history, stored)
    shown = [event for events in pages.values() for event in events]
    _sweep(_lasting([*writes, *last], stored), _lasting([*shown, *pushed], stored), findings)
    for about, events in pages.items():
        theirs = set(stored.about[about])
        _sweep(events, [event for event in (*writes, *last, *pushed) if event.id in theirs], findings)
    made = {event.id: event.invoked for event in writes}
    for event in (*last, *shown, *pushed):
        if made.get(event.id, 0) > event.returned:
            findings.add("stale", f"{event.id} was shown before it was sent")
    _check_connections(history, findings)


def _lasting(events: list[Sighting], stored: StoredContent) -> list[Sighting]:
    return [event for event in events if event.id not in stored.vanished]


def _writes(history: History, stored: StoredContent) -> Iterator[Sighting]:
    """One event for each stored text, however often it was sent."""
    ids = {tweet.text: tweet.id for tweet in stored.tweets}
    attempts: dict[str, list[Upload]] = defaultdict(list)
    for upload in history.uploads:
        attempts[normalize("NFC", upload.text)].append(upload)
    for text, uploads in attempts.items():
        if text in ids:
            answered = [one.returned for one in uploads if one.outcome == "ok" and one.returned is not None]
            yield Sighting(min(one.invoked for one in uploads), min(answered, default=NEVER), ids[text], write=True)


def _newest_pages(history: History, stored: StoredContent) -> dict[str, list[Sighting]]:
    """The newest shown of each tag and name; a count of so many says the same as the id of the last."""
    pages: dict[str, list[Sighting]] = defaultdict(list)
    for read in history.reads:
        if read.about is not None and read.before is None:
            pages[read.about].append(_shown(read))
    for count in history.counts:
        ids = stored.about[count.tag]
        newest = ids[count.count - 1] if count.count <= len(ids) else NEVER
        pages[count.tag].append(Sighting(count.made, count.returned, newest))
    return pages


def _shown(read: Read) -> Sighting:
    return Sighting(read.invoked, read.returned, read.tweets[0].id if read.tweets else 0)


def _sweep(judged: list[Sighting], witnesses: list[Sighting], findings: Findings) -> None:
    """No event may be older than what another one has shown before it began. Linearizable, if nothing is found."""
    ended = sorted((*judged, *witnesses), key=lambda event: event.returned)
    floor = place = 0
    for event in sorted(judged, key=lambda event: event.invoked):
        while place < len(ended) and ended[place].returned < event.invoked:
            floor = max(floor, ended[place].id)
            place += 1
        if event.write and event.id <= floor:
            findings.add("order", f"{event.id} was sent after {floor} had been seen")
        elif event.id < floor or event.id == NEVER:
            findings.add("stale", f"{event.id} was the newest shown after {floor} had been seen")


def _check_connections(history: History, findings: Findings) -> None:
    """Uploads that were sent together on one connection have rising ids."""
    newest: dict[int, int] = defaultdict(int)
    for upload in history.uploads:
        if upload.outcome == "ok" and upload.id is not None and not upload.retry:
            if upload.id <= newest[upload.connection]:
                findings.add("order", f"{upload.id} follows {newest[upload.connection]} on one connection")
            newest[upload.connection] = upload.id

"""Pushes as chunks of a response: server-sent events for browsers, lines of JSON for scripts.

Every follower of a form shares its encoder, so that a push is encoded once for them.
"""

from ttweet.model.tweets import Deletion, Tweet, as_json
from ttweet.protocol.codecs import JSON
from ttweet.server.http.response import LAST_CHUNK, ChunkEncoder, chunk
from ttweet.server.net import places

EVENT_STREAM = "text/event-stream"
LINES = "application/x-ndjson"
RECONNECT_MS = 2_000  # until a browser connects again: a server has restarted by then


class EventEncoder(ChunkEncoder):
    """Server-sent events. The id of an event is the cursor to continue from, which a browser sends as Last-Event-ID."""

    form = places.EVENTS
    keep_alive = chunk(b":\n\n")
    first = chunk(b"retry: %d\n\n" % RECONNECT_MS)
    """The first bytes of a stream."""

    def tweet(self, tweet: Tweet) -> bytes:
        """See Encoder."""
        return chunk(b"id: %d\ndata: %b\n\n" % (tweet.id, JSON.dumps(as_json(tweet))))

    def deletion(self, deletion: Deletion) -> bytes:
        """See Encoder."""
        return chunk(b"event: deleted\nid: %d\ndata: %b\n\n" % (deletion.id, JSON.dumps(deletion._asdict())))

    def caught_up(self, cursor: int) -> bytes:
        """See Encoder."""
        return chunk(b'event: live\nid: %d\ndata: {"id":%d}\n\n' % (cursor, cursor))

    def pruned(self, up_to: int) -> bytes:
        """See Encoder."""
        return chunk(b'event: gone\ndata: {"id":%d}\n\n' % up_to)


class LineEncoder(ChunkEncoder):
    """An object on each line."""

    form = places.LINES
    keep_alive = chunk(b"\n")

    def tweet(self, tweet: Tweet) -> bytes:
        """See Encoder."""
        return chunk(JSON.dumps(as_json(tweet)) + b"\n")

    def deletion(self, deletion: Deletion) -> bytes:
        """See Encoder."""
        return chunk(b'{"id":%d,"at":%d,"deleted":%d}\n' % deletion)

    def caught_up(self, cursor: int) -> bytes:
        """See Encoder."""
        return chunk(b'{"live":%d}\n' % cursor)

    def pruned(self, up_to: int) -> bytes:
        """See Encoder."""
        return chunk(b'{"gone":%d}\n' % up_to)


class PollEncoder(LineEncoder):
    """As LineEncoder, but the stream ends where a follower would be live."""

    def caught_up(self, cursor: int) -> bytes:
        """See Encoder."""
        return super().caught_up(cursor) + LAST_CHUNK


EVENTS, JSON_LINES, POLLED_LINES = EventEncoder(), LineEncoder(), PollEncoder()

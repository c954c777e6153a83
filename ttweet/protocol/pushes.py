"""What a follower is sent without asking again: tweets, deletions, and signs of life. Knows no followers."""

from ttweet.model.tweets import Deletion, Tweet
from ttweet.protocol import requests
from ttweet.protocol.json_codec import STDLIB_JSON, Json


def encode_push(tweet: Tweet, json: Json = STDLIB_JSON) -> bytes:
    """A tweet on its way to a follower."""
    return b'["m",%b]\n' % json.dumps(requests.as_json(tweet))


def encode_deletion(deletion: Deletion) -> bytes:
    """A deletion on its way to a follower who asked for them."""
    return b'["x",{"id":%d,"at":%d,"tweet":%d}]\n' % deletion


def encode_live(cursor: int) -> bytes:
    """What a follower hears once: all up to this id was sent, and what follows is new."""
    return b'["e",{"id":%d}]\n' % cursor


def encode_gone(up_to: int) -> bytes:
    """What a follower hears that has not read so far: tweets up to this id are not kept any more."""
    return b'["g",{"id":%d}]\n' % up_to


PING = b'["p",""]\n'
"""What a follower hears when there is nothing else to say."""

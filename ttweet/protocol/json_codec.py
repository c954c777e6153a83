"""A JSON library as both ends take it, and the one that Python has."""

from collections.abc import Callable
from typing import NamedTuple

from ttweet.protocol import frames


class Json(NamedTuple):
    """A JSON library: bytes to plain values (ValueError when it is no strict UTF-8 JSON) and back."""

    loads: Callable[[bytes], object]
    dumps: Callable[[object], bytes]


STDLIB_JSON = Json(frames.loads, lambda value: frames.encode_value(value).encode())

"""JSON by msgspec: it reads a frame in 0.2 us, the standard library in 1.7.

It takes 50 ms to import, so clients go without.
"""

import msgspec

from ttweet.protocol.json_codec import Json

_decode = msgspec.json.Decoder().decode


def _loads(line: bytes) -> object:
    try:
        return _decode(line)
    except msgspec.DecodeError as exc:
        raise ValueError(str(exc)) from exc


JSON = Json(_loads, msgspec.json.Encoder().encode)
"""For the server's end of connections."""

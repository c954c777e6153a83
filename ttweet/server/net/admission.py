"""How many clients a server admits and how fast they may be. All edges share it, so a second edge doubles no limit."""

from typing import NamedTuple

from ttweet.server.net.places import Places
from ttweet.server.net.throttle import Throttle


class Admission(NamedTuple):
    """The parts of admitting clients that the edges of a server share."""

    places: Places
    throttle: Throttle

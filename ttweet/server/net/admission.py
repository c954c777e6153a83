"""Which clients are taken in and how fast they may be: one for all edges, so that a second one doubles nothing."""

from typing import NamedTuple

from ttweet.server.net.places import Places
from ttweet.server.net.throttle import Throttle


class Admission(NamedTuple):
    """The parts of admitting clients that the edges of a server share."""

    places: Places
    throttle: Throttle

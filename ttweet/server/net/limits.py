"""What one client may ask of the server."""

from dataclasses import dataclass

from ttweet.protocol.reader import RequestReader


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of each client. Times are seconds."""

    max_unanswered: int = 64  # uploads on their way: 64 x 1,000 clients is six times what the journal takes
    first_byte_s: float = 10.0  # a human with nc needs some; a scanner that says nothing must go
    frame_s: float = 10.0  # for a whole frame, not for a byte: a byte a second is an attack
    send_s: float = 10.0  # for all that was answered; who does not read is gone, or hurts himself only
    ping_s: float = 15.0  # between looks whether a follower has heard anything: so it does so every 30 s at least
    idle_s: float = 900.0  # between requests; NAT tables forget after five to fifteen minutes anyway

    def missing(self, reader: RequestReader) -> str:
        """What has not come in time of a client whose bytes this reader has."""
        if not reader.begun:
            return f"not one byte (within {self.first_byte_s:g} seconds)"
        if reader.unfinished:
            return f"no end of the frame (within {self.frame_s:g} seconds)"
        return f"no further frame (within {self.idle_s:g} seconds)"

"""What keeps the store from storing, for the operator, who is told once of each reason."""

import logging

from ttweet.model.errors import StoreError

log = logging.getLogger(__name__)


class Trouble:
    """The reason of the last failure that may pass, until the store stores again."""

    def __init__(self) -> None:
        self.text = ""
        """The reason; empty when there is none."""

    def note(self, error: StoreError) -> None:
        """Log a new reason."""
        if str(error) != self.text:
            log.warning("cannot store for now: %s; uploads are refused, reads go on", error)
            self.text = str(error)

    def end(self) -> None:
        """Log that the store stores again."""
        if self.text:
            log.warning("storing again")
            self.text = ""

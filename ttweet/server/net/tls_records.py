"""How many TLS records without data, such as new keys, a client may send: each costs the server more than its bytes.

TLS 1.3 hides what a record is for, but not where it ends; how many records held data shows when they are decrypted.
"""

HEADER_BYTES = 5  # of a record: its type, its version and how many bytes follow, see RFC 8446, 5.1
MAX_FRUITLESS_RECORDS = 1_000  # TLS records without data: 10 ms, or 20 ms if each is a new key to answer
RECORDS_WITH_DATA = 64  # that allow another record without data; clients change keys after millions


class RecordAllowance:
    """How many more records without data may come."""

    def __init__(self) -> None:
        self._left: float = MAX_FRUITLESS_RECORDS
        self._header = b""  # the part of a header that has come
        self._missing = 0  # bytes of the last record that have not come

    @property
    def is_exceeded(self) -> bool:
        """Whether too many have come. Ask when all that came was decrypted."""
        return self._left < 0

    def receive_data(self, data: bytes) -> None:
        """Count the records that begin in bytes of the client."""
        data, start = self._header + data, self._missing
        while start + HEADER_BYTES <= len(data):
            start += HEADER_BYTES + int.from_bytes(data[start + 3 : start + 5], "big")
            self._left -= 1
        self._header = data[start:]
        self._missing = max(0, start - len(data))

    def decrypted(self) -> None:
        """Count that one of them held data."""
        self._left = min(self._left + 1 + 1 / RECORDS_WITH_DATA, MAX_FRUITLESS_RECORDS)

    def restart(self) -> None:
        """Forget what was counted: the handshake is done."""
        self._left = MAX_FRUITLESS_RECORDS

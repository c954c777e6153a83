"""The PROXY header, by which a proxy that passes bytes on names the client before the first of them.

It may be missing: a trusted proxy that sends none names clients by X-Forwarded-For, or is the client of its requests.
A client of the proxy gains nothing by a header of its own, because neither of the two decides about rights. See
https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, sections 2.1 (one line of text) and 2.2 (binary).
"""

from ipaddress import ip_address
from typing import NamedTuple

from ttweet.model.events import Peer
from ttweet.server.http.problems import Malformed

MAX_LINE_BYTES = 107  # of the header as text, as the standard has it
MAX_BINARY_BYTES = 2048  # of the header in binary: addresses take 52 bytes, extensions about 1 KiB

_TEXT = b"PROXY "
_BINARY = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED_BYTES = 16  # of the binary header: the signature, version, family and length
_LOCAL, _PROXIED = 0x20, 0x21  # version 2: a connection of the proxy itself, or of a client
_ADDRESS_BYTES = {0x11: 4, 0x21: 16}  # of each address over TCP, by family
_FAMILIES = {b"TCP4": 4, b"TCP6": 6}


class ProxyHeader(NamedTuple):
    """A header of `size` bytes, 0 without one, and the client that it names, if it names one."""

    size: int
    client: Peer | None


def read_header(data: bytes) -> ProxyHeader | None:
    """Return the header that the first bytes of a connection hold; None when more of them are needed.

    Raises Malformed for a header that is too long or breaks the rules.
    """
    if data.startswith(_TEXT):
        return _of_text(data)
    if data.startswith(_BINARY):
        return _of_binary(data)
    return None if _TEXT.startswith(data) or _BINARY.startswith(data) else ProxyHeader(0, None)


def _of_text(data: bytes) -> ProxyHeader | None:
    line, end, _ = data[:MAX_LINE_BYTES].partition(b"\r\n")
    if not end:
        if len(data) >= MAX_LINE_BYTES:
            raise _malformed("too long")
        return None
    words = line.split(b" ")[1:]
    return ProxyHeader(len(line) + len(end), None if words[0] == b"UNKNOWN" else _client(words))


def _client(words: list[bytes]) -> Peer:
    """Return the source of the words `TCP4 SOURCE DESTINATION PORT PORT`. Raises Malformed."""
    try:
        family, source, destination, source_port, destination_port = words
        addresses = [ip_address(word.decode()) for word in (source, destination)]
        ports = [_port(word) for word in (source_port, destination_port)]
        if {address.version for address in addresses} != {_FAMILIES[family]}:
            raise _malformed("addresses of another family")
    except (ValueError, KeyError) as exc:
        raise _malformed("not as the standard has it") from exc
    return _usual(addresses[0].packed), ports[0]


def _port(word: bytes) -> int:
    if not (word.isdigit() and len(word) <= 5 and int(word) < 1 << 16):
        raise ValueError(word)
    return int(word)


def _of_binary(data: bytes) -> ProxyHeader | None:
    if len(data) < _FIXED_BYTES:
        return None
    command, family = data[12], data[13]
    size = _FIXED_BYTES + int.from_bytes(data[14:_FIXED_BYTES], "big")
    if command not in (_LOCAL, _PROXIED):
        raise _malformed("unknown version or command")
    if size > MAX_BINARY_BYTES:
        raise _malformed("too long")
    if len(data) < size:
        return None
    known = command == _PROXIED and family in _ADDRESS_BYTES
    return ProxyHeader(size, _packed_client(data[_FIXED_BYTES:size], _ADDRESS_BYTES[family]) if known else None)


def _packed_client(block: bytes, length: int) -> Peer:
    """Return the source of a block of two addresses and two ports. Raises Malformed."""
    ports = block[2 * length : 2 * length + 4]
    if len(ports) < 4:
        raise _malformed("too short for its addresses")
    return _usual(block[:length]), int.from_bytes(ports[:2], "big")


def _usual(packed: bytes) -> str:
    """Return an address as the rest of the server writes it."""
    address = ip_address(packed)
    return str(getattr(address, "ipv4_mapped", None) or address)


def _malformed(why: str) -> Malformed:
    return Malformed(400, f"invalid PROXY header: {why}; have the proxy send version 1 or 2 of its protocol")

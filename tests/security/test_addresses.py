import pytest

from ttweet.security.addresses import is_elsewhere, network_of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("memory", "memory", True),
        ("memory", "other", False),
    ],
)
def test_an_ipv4_address_and_the_64_bits_of_an_ipv6_network_have_one_owner(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) == same


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "memory", ""])
def test_loopback_and_what_is_no_address_are_this_machine(host: str) -> None:
    assert not is_elsewhere(host)


@pytest.mark.parametrize("host", ["203.0.113.7", "2001:db8::1", "fe80::1%eth0", "::ffff:203.0.113.7", "0.0.0.0"])
def test_other_addresses_are_elsewhere(host: str) -> None:
    assert is_elsewhere(host)

import pytest

from ttweet.model.addresses import is_local, network_of


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


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.255.255.255", "::1", "::1%lo", "0:0::1", "::ffff:127.0.0.1", "::ffff:7f00:1"]
)
def test_the_addresses_of_the_loopback_are_local(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host",
    [
        "203.0.113.7",
        "2001:db8::1",
        "fe80::1%eth0",
        "fe80::1%127.0.0.1",
        "::ffff:203.0.113.7",
        "0.0.0.0",
        "::",
        "::127.0.0.1",
        "128.0.0.1",
        "126.255.255.255",
    ],
)
def test_an_address_of_another_machine_is_not_local(host: str) -> None:
    assert not is_local(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "localhost",
        "localhost.evil.example",
        "127.evil.example",
        "127.0.0.1.evil.example",
        "127.1",
        "127.0.0.1 ",
        "127.0.0.01",
        "0x7f.1",
        "2130706433",
        "\uff11\uff12\uff17.0.0.1",
        "[::1]",
        "127.0.0.1:80",
        "memory",
    ],
)
def test_a_name_is_not_local_whatever_it_looks_like(host: str) -> None:
    assert not is_local(host)

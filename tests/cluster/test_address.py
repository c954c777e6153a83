import pytest

from ttweet.cluster.address import MAX_NODES, ClusterAddress, Node, parse


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("etcd://h1/team", ClusterAddress((Node("h1", 2379),), "team")),
        ("etcd://h1,h2:99,h1/a.b-c", ClusterAddress((Node("h1", 2379), Node("h2", 99)), "a.b-c")),
        ("etcds://[::1]:7,10.0.0.1/x", ClusterAddress((Node("::1", 7), Node("10.0.0.1", 2379)), "x", tls=True)),
    ],
)
def test_a_url_names_nodes_and_a_cluster(text: str, address: ClusterAddress) -> None:
    assert parse(text) == address


@pytest.mark.parametrize("text", ["etcd://h1:2379/team", "etcds://h1:1,[::1]:2/team"])
def test_an_address_is_shown_as_it_is_written(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("h1,h2/team", "invalid URL 'h1,h2/team': use etcd://HOST,HOST,HOST/NAME"),
        ("http://h1/team", "invalid URL 'http://h1/team': use etcd://HOST,HOST,HOST/NAME"),
        ("etcd://h1", "invalid cluster name '': use 1 to 32 letters, digits and _.- after the hosts"),
        ("etcd://h1/a/b", "invalid cluster name 'a/b': use 1 to 32 letters, digits and _.- after the hosts"),
        ("etcd:///team", "invalid node '': use etcd://HOST,HOST,HOST/NAME"),
        ("etcd://h1,,h2/team", "invalid node '': use etcd://HOST,HOST,HOST/NAME"),
        ("etcd://me:secret@h1/team", "invalid node 'me:secret@h1': use etcd://HOST,HOST,HOST/NAME"),
        ("etcd://h1:0/team", "invalid port 0 of 'h1:0': use a port from 1 to 65535"),
        ("etcd://h1:65536/team", "invalid port 65536 of 'h1:65536': use a port from 1 to 65535"),
    ],
)
def test_a_wrong_url_is_reported_with_its_part_that_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(text)
    assert str(caught.value) == problem


def test_a_url_names_a_bounded_number_of_nodes() -> None:
    hosts = [f"h{number}" for number in range(MAX_NODES + 1)]
    assert len(parse(f"etcd://{','.join(hosts[1:])}/team").nodes) == MAX_NODES
    with pytest.raises(ValueError, match="too many nodes: 10; name at most 9"):
        parse(f"etcd://{','.join(hosts)}/team")

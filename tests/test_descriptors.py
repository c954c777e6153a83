"""Too few file descriptors, seen before the last one is used."""

import resource

from ttweet.descriptors import lacks_descriptors


def test_a_lack_of_descriptors_is_seen_before_the_last_one_is_used() -> None:
    assert not lacks_descriptors(5)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, before[1]))
    try:
        assert lacks_descriptors(1000)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert not lacks_descriptors(5)

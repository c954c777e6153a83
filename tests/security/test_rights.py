from ttweet.security import rights


def test_rights_are_listed_in_their_one_order() -> None:
    assert rights.listed(frozenset({"admin", "read", "post"})) == "read,post,admin"
    assert rights.listed(frozenset()) == ""

from ttweet.security import rights


def test_rights_are_listed_in_their_one_order() -> None:
    assert rights.listed(frozenset({"admin", "read", "post"})) == "read,post,admin"
    assert rights.listed(frozenset()) == ""


def test_who_is_nobody_in_particular_has_no_name_and_no_token() -> None:
    assert (None, frozenset(rights.RIGHTS), None) == rights.ANYBODY

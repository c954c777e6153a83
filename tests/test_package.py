from inspect import signature

import pytest

import ttweet
from tests.support.processes import output_of
from ttweet.client.async_client import AsyncClient
from ttweet.client.sync_client import Client
from ttweet.storage.local import LocalStore


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; before = {*sys.modules}; import ttweet; print(*({*sys.modules} - before))"
    assert output_of(code).split() == ["ttweet"]


def test_the_client_needs_the_standard_library_alone() -> None:
    code = "import sys, ttweet; ttweet.Client; print(*sys.modules)"
    assert not {"trio", "msgspec", "cyclopts", "sqlite_utils", "typing"} & set(output_of(code).split())


@pytest.mark.parametrize("name", [name for name in ttweet.__all__ if name != "__version__"])
def test_every_exported_name_exists_and_is_documented(name: str) -> None:
    assert getattr(ttweet, name).__doc__


def test_a_missing_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Server'"):
        _ = ttweet.Server


def parameters(of: type, verb: str) -> list[tuple[str, object]]:
    """Return the parameters of a verb without their defaults: a server has its own where a file has numbers."""
    return [(each.name, each.kind) for each in signature(getattr(of, verb)).parameters.values()]


def verbs(of: type) -> set[str]:
    return {name for name in dir(of) if callable(getattr(of, name)) and not name.startswith("_")}


def test_a_verb_takes_the_same_arguments_for_every_source() -> None:
    shared = verbs(Client) & verbs(AsyncClient)
    assert {"post", "last", "tweets_of_tag", "list_tags", "delete", "follow"} <= shared
    for verb in shared:
        assert parameters(AsyncClient, verb) == parameters(Client, verb)
    for verb in verbs(Client) & verbs(LocalStore):
        assert [each for each in parameters(LocalStore, verb) if each[0] != "by"] == parameters(Client, verb)

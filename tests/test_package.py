import pytest

import ttweet
from tests.processes import output_of


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; before = {*sys.modules}; import ttweet; print(*({*sys.modules} - before))"
    assert output_of(code).split() == ["ttweet"]


def test_the_client_needs_the_standard_library_alone() -> None:
    code = "import sys, ttweet; ttweet.Client; print(*sys.modules)"
    assert not {"trio", "msgspec", "cyclopts", "sqlite_utils", "typing"} & set(output_of(code).split())


@pytest.mark.parametrize("name", [name for name in ttweet.__all__ if name != "__version__"])
def test_what_is_exported_is_there_and_documented(name: str) -> None:
    assert getattr(ttweet, name).__doc__


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Server'"):
        _ = ttweet.Server

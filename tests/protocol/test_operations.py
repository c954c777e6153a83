"""The letters of the protocol: each once, in the module that both ends share."""

import ast
from collections.abc import Iterator
from pathlib import Path

import ttweet
from ttweet.protocol import operations

PACKAGE = Path(ttweet.__file__).parent
LETTERS = {value for name, value in vars(operations).items() if name.isupper()}


def written_by_hand(text: str) -> Iterator[int]:
    """The lines of a module where a frame is made or looked at by its letters."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(ast.Attribute(attr="encode" | "request"), [ast.Constant(value=letter), *_]) if (
                letter in LETTERS
            ):
                yield node.lineno
            case ast.Constant(value=bytes() as data) if data.startswith(b'["') and not data.startswith(b'["%b"'):
                yield node.lineno


def test_no_module_writes_or_reads_a_letter_by_itself() -> None:
    modules = PACKAGE.rglob("*.py")
    found = [f"{path.relative_to(PACKAGE)}:{line}" for path in modules for line in written_by_hand(path.read_text())]
    assert found == []


def test_a_letter_that_is_written_by_hand_is_found() -> None:
    assert [
        *written_by_hand("""frames.encode("u", "")\nb'["m",%b]' % tweet\nframes.encode(operations.POST, "")""")
    ] == [1, 2]


def test_each_operation_has_a_letter_of_its_own_in_its_direction() -> None:
    names = [name for name in vars(operations) if name.isupper()]
    asked, said = names[: names.index("OK")], names[names.index("OK") :]
    for direction in (asked, said):
        letters = [getattr(operations, name) for name in direction]
        assert len(letters) == len(set(letters))

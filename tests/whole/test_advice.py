"""No sentence that the other end of a connection can cause advises to give up security."""

import ast
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

import ttweet
from ttweet.client import tls

PACKAGE = Path(ttweet.__file__).parent
GIVES_UP = ("go without", "NO_TLS", "--no-", "chmod", "--force")
OF_ONE_S_OWN = {  # what these modules say is of the options and files of the user who reads it
    "cli/commands/serve.py",
    "cli/manual/data.py",
    "cli/manual/page.py",
    "cli/manual/reading.py",
    "cli/manual/server.py",
    "cli/output_file.py",
    "files.py",
    "server/destinations.py",
    "storage/sqlite/lock_file.py",
}
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if str(path.relative_to(PACKAGE)) not in OF_ONE_S_OWN]


def sentences(module: Path) -> Iterator[str]:
    """The strings of a module that have a space, docstrings apart."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(str(text)) if " " in text and id(node) not in docstrings:
                yield text


@pytest.mark.parametrize("module", MODULES, ids=[str(path.relative_to(PACKAGE)) for path in MODULES])
def test_no_sentence_advises_to_give_up_security(module: Path) -> None:
    assert [said for said in sentences(module) if any(words in said for words in GIVES_UP)] == []


def test_the_sentences_are_found() -> None:
    assert any("its operator uses" in said for said in sentences(PACKAGE / "model" / "remedies.py"))
    assert any("chmod 700" in said for said in sentences(PACKAGE / "files.py"))


def ssl_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


def untrusted(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, "it is odd"
    return error


@pytest.mark.parametrize(
    "failure",
    [
        *[ssl_error(reason) for reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "BAD_LENGTH", "")],
        *[ssl_error(f"TLSV1_ALERT_{alert}") for alert in ("INTERNAL_ERROR", "UNKNOWN_CA", "PROTOCOL_VERSION")],
        *[untrusted(code) for code in (10, 18, 20, 62, 64)],
        TimeoutError(),
        ssl.SSLEOFError(8, "EOF"),
        ConnectionResetError(),
        ValueError("embedded null"),
    ],
    ids=repr,
)
def test_no_failure_of_tls_advises_to_go_without_it(failure: Exception) -> None:
    said = str(tls.explained(failure, "127.0.0.1:13001", "127.0.0.1"))
    assert "127.0.0.1:13001" in said
    assert not any(words in said for words in GIVES_UP)

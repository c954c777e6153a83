"""Text is UTF-8 in every locale: in arguments, variables, names of files and pipes, in both directions."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import which

import pytest

from tests.support.processes import LIMIT_S, Server, environment, run, running_server
from ttweet import system
from ttweet.cli import shell, utf8

TEXT = "grüße #ü 🎉"
NO_UTF8 = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # Python's own ways to UTF-8

Variables = Mapping[str, str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        yield server


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of locales that are not UTF-8, which no machine has to have."""
    folder = tmp_path_factory.mktemp("locales")
    localedef = which("localedef")
    if localedef is None:
        pytest.skip("there is no localedef")
    for language, encoding in (("en_US", "ISO-8859-1"), ("ja_JP", "EUC-JP")):
        made = subprocess.run(
            [localedef, "-i", language, "-f", encoding, folder / f"{language}.{encoding}"], capture_output=True
        )
        if made.returncode > 1:  # 1 is a warning
            pytest.skip("there are no sources of locales; Debian's package is `locales`")
    return folder


@pytest.fixture(
    params=[
        {"LC_ALL": "en_US.ISO-8859-1"},
        {"LC_ALL": "ja_JP.EUC-JP"},
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", **NO_UTF8},
        {"LC_ALL": "xx_YY.unknown"},
        {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "latin-1"},
    ],
    ids=lambda variables: "-".join(variables.values()),
)
def locale(request: pytest.FixtureRequest) -> Variables:
    """Variables that choose a locale."""
    variables: dict[str, str] = request.param
    if variables["LC_ALL"][2:3] == "_" and "unknown" not in variables["LC_ALL"]:
        return variables | {"LOCPATH": str(request.getfixturevalue("locales"))}
    return variables


def test_text_comes_out_as_it_went_in(server: Server, locale: Variables, tmp_path: Path) -> None:
    variables = {**locale, "TTWEET_SERVER": server.address}

    def do(*arguments: str | bytes, stdin: bytes = b"") -> str:
        done = run(*arguments, stdin=stdin, variables=variables, cwd=tmp_path)
        assert done.returncode == shell.DONE, done.stderr
        return done.stdout

    port = str(server.port)
    do("post", TEXT, "--tag", "höhe")
    told = do("follow", "Ü", "--last", "1", "--count", "1", "--exec", 'echo "$TTWEET_TEXT|$TTWEET_TAGS"; cat')
    shown, _, as_json = told.partition("\n")
    assert shown == f"{TEXT}|ü höhe"
    assert json.loads(as_json)["text"] == TEXT
    do("post", "-", stdin=f"{TEXT}!".encode())
    assert do("last") == f"{TEXT}!\n"
    do("-u", "127.0.0.1", port, f"{TEXT}?")
    assert do("-d", "127.0.0.1", port).splitlines()[0] == f"Received Message: {TEXT}?"
    do("export", "--db", str(server.db), "ausfuhr-ü🎉.jsonl")
    assert TEXT in (tmp_path / "ausfuhr-ü🎉.jsonl").read_text("utf-8")


def test_input_that_is_not_utf8_is_refused_and_all_output_is_utf8(server: Server, locale: Variables) -> None:
    done = run("post", b"gr\xfc\xdfe", "--server", server.address, variables=locale)
    assert done.stderr == "ttweet: the message is not valid UTF-8: byte 0xfc after 2 characters; convert it to UTF-8\n"
    assert (done.returncode, done.stdout) == (shell.USAGE, "")
    done = run("tags", "nicht-da-ü", "--server", server.address, variables=locale)
    assert "'nicht-da-ü'" in done.stderr


def test_the_name_of_a_file_need_not_be_utf8(server: Server, tmp_path: Path) -> None:
    target = bytes(tmp_path) + b"/k\xffp"
    assert run("post", "something to export", "--server", server.address).returncode == shell.DONE
    assert run("export", "--db", str(server.db), target).returncode == shell.DONE
    assert run("last", "--db", target).stderr.startswith(f"ttweet: {tmp_path}/k\\udcffp is no")
    installed = subprocess.run(
        [sys.executable, "-m", "ttweet", "--install-completion", "--shell", "bash", "-o", target + b".sh"],
        capture_output=True,
        env=environment(),
        timeout=LIMIT_S,
    )
    assert installed.stdout == target + b".sh\n"


def test_python_in_utf8_is_not_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.execv", None)
    utf8.ensure()
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "iso8859-1")
    monkeypatch.setitem(sys._xoptions, "utf8", "0")
    utf8.ensure()


def test_where_the_kernel_tells_no_arguments_python_continues(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.execv", None)
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "iso8859-1")
    monkeypatch.setattr(system, "ARGUMENTS", str(tmp_path / "nowhere"))
    utf8.ensure()

"""The two ways into the program do the same: the exact shapes, and the command line's parser."""

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

import ttweet
from tests.support.processes import LIMIT_S, Server, environment, output_of, run, running_server
from ttweet import __main__
from ttweet.cli import shell

HEAVY = {"cyclopts", "trio", "sqlite_utils", "sqlite3", "rich", "typing", "dataclasses", "unicodedata", "msgspec"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        yield server


@pytest.fixture
def collector() -> Iterator[None]:
    """The garbage collector as it was, after an entry point has run in this process."""
    yield
    gc.unfreeze()
    gc.enable()


def test_ctrl_c_before_the_command_is_loaded_is_no_traceback() -> None:
    code = """
import sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == "ttweet.cli.shell":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupt())
from ttweet.__main__ import main
print(main())
"""
    assert output_of(code) == f"{shell.INTERRUPTED}\n"


@pytest.mark.usefixtures("collector")
def test_a_server_on_windows_is_refused_with_what_works_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "argv", ["ttweet", "serve", "13001"])
    assert __main__.main() == shell.FAILED
    assert capsys.readouterr().err == f"ttweet: {__main__.NOT_ON_WINDOWS}\n"


def imported_by(*arguments: str) -> set[str]:
    """The modules that a command line has loaded at its end."""
    code = f"""
import sys
sys.argv = ["ttweet", *{arguments}]
from ttweet.__main__ import main
code = main()
print(*{{name.partition(".")[0] for name in sys.modules}}, file=sys.stderr)
sys.exit(code)
"""
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path = {sys.path}\n{code}"],
        capture_output=True, text=True, timeout=LIMIT_S, env=environment(), check=True,
    )  # fmt: skip
    return set(done.stderr.split())


@pytest.mark.parametrize("option", ["-u", "--upload"])
@pytest.mark.parametrize("message", ["hello #world", "", "-", "--help", "-5 degrees", "'quoted'", "寿司"])
def test_both_ways_upload_alike(server: Server, option: str, message: str) -> None:
    port = str(server.port)
    exact = run(option, "127.0.0.1", port, message)
    parsed = run(option, "--", "127.0.0.1", port, message)
    for done in (exact, parsed):
        assert (done.returncode, done.stdout, done.stderr) == (0, "Transmission Successfull...\n", "")
        down = run("-d", "127.0.0.1", port)
        assert down.stdout.splitlines()[0] == f"Received Message: {message or 'Empty Message'}"


@pytest.mark.parametrize("option", ["-d", "--download"])
def test_both_ways_download_alike(server: Server, option: str) -> None:
    exact, parsed = run(option, "127.0.0.1", str(server.port)), run("127.0.0.1", str(server.port), option)
    assert exact.stdout == parsed.stdout
    assert (exact.returncode, parsed.returncode) == (0, 0)


@pytest.mark.parametrize("arguments", [["127.0.0.1", "99999"], ["127.0.0.1", "0"], ["127.0.0.1", "1"]])
def test_both_ways_fail_alike(arguments: list[str]) -> None:
    exact, parsed = run("-d", *arguments), run(*arguments, "-d")
    assert exact.returncode == parsed.returncode != 0
    assert exact.stderr == parsed.stderr != ""


def test_the_exact_shapes_load_nothing_heavy(server: Server) -> None:
    port = str(server.port)
    assert not HEAVY & imported_by("-u", "127.0.0.1", port, "quick")
    assert not HEAVY & imported_by("-d", "127.0.0.1", port)


def test_help_loads_neither_the_server_nor_the_database() -> None:
    assert not {"trio", "sqlite_utils", "sqlite3", "msgspec", "socketserver"} & imported_by("--help")


@pytest.mark.parametrize("line", [[], ["--help"], ["post", "--help"], ["help", "serve"], ["--version"]])
def test_a_short_help_page_loads_nothing_heavy(line: list[str]) -> None:
    assert not HEAVY & imported_by(*line)


def test_help_about_the_server_does_not_load_it() -> None:
    assert not {"trio", "sqlite_utils", "sqlite3", "msgspec", "ssl"} & imported_by("serve", "--help")


def test_a_post_of_an_exact_shape_loads_nothing_heavy(server: Server) -> None:
    assert not HEAVY & imported_by("post", "lean", "--server", server.address)


@pytest.mark.parametrize("command", [["last"], ["tags"], ["tags", "a"], ["find", "lean"]])
def test_a_script_that_reads_by_an_exact_shape_loads_no_parser(server: Server, command: list[str]) -> None:
    run("post", "lean #a", "--server", server.address)
    loaded = imported_by(*command, "--server", server.address)
    assert not (HEAVY - {"typing"}) & loaded


def test_a_script_that_posts_with_other_options_loads_neither_rich_nor_the_database(server: Server) -> None:
    loaded = imported_by("post", "lean", "--tag", "a", "--server", server.address)
    assert not {"trio", "sqlite_utils", "sqlite3", "rich"} & loaded
    assert "cyclopts" in loaded


@pytest.mark.usefixtures("collector")
@pytest.mark.parametrize(
    "arguments",
    [
        ["-u", "127.0.0.1", "13001"],
        ["-u", "127.0.0.1", "13001", "two", "words"],
        ["-u", "127.0.0.1", "port", "x"],
        ["-u", "127.0.0.1", "", "x"],
        ["-u", "127.0.0.1", "٣", "x"],
        ["-u", "--help", "13001", "x"],
        ["-d", "127.0.0.1"],
        ["-d", "-x", "13001"],
    ],
)
def test_a_command_line_of_no_exact_shape_is_left_to_the_parser(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def main(arguments: list[str]) -> int:
        seen.append(arguments)
        return 7

    monkeypatch.setattr("ttweet.cli.main.main", main)
    monkeypatch.setattr(sys, "argv", ["ttweet", *arguments])
    assert __main__.main() == 7
    assert seen == [arguments]


@pytest.mark.usefixtures("collector")
def test_ctrl_c_while_modules_are_imported_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def main(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("ttweet.cli.main.main", main)
    monkeypatch.setattr(sys, "argv", ["ttweet", "--help-all"])
    assert __main__.main() == shell.INTERRUPTED


def test_the_module_runs_as_a_program() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"ttweet {ttweet.__version__}\n", "")

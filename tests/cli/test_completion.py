"""`--install-completion`, tried in real shells on a terminal: after it the next one completes commands and options."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.in_process import complains, run_here
from tests.support.processes import LIMIT_S, TTWEET, run
from tests.support.shells import needed, program_folder, typed_in, variables
from ttweet.cli import completion, main, shell
from ttweet.cli.main import COMMANDS

SHELLS = ["bash", "zsh", "fish"]
NOT_WRITABLE = "/proc/nowhere"  # not even for root


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home, whose name is not one word."""
    home = tmp_path / "it's a home"
    home.mkdir()
    return home


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    return program_folder(tmp_path)


def install(name: str, env: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    return run_here("--install-completion", "--shell", name, *options, env=env)


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_without_it_completes_nothing(name: str, home: Path, bin_folder: Path) -> None:
    """So the others show something."""
    (home / ".zshrc").touch()  # or zsh asks how it is to be set up
    assert typed_in(needed(name), variables(home, {}), bin_folder) != "tags --numbers"


@pytest.mark.parametrize(
    ("name", "extra", "startup"),
    [
        ("bash", {}, {}),
        ("bash", {"XDG_DATA_HOME": "~/my data"}, {}),
        ("bash", {"XDG_DATA_HOME": "not/absolute"}, {}),
        ("bash", {}, {".bashrc": "case $- in *i*) ;; *) return ;; esac"}),
        ("bash", {"LC_ALL": "C"}, {".bashrc": "echo hello"}),
        ("zsh", {}, {}),
        ("zsh", {"ZDOTDIR": "~/my zsh"}, {}),
        ("zsh", {"XDG_DATA_HOME": "~/my data"}, {}),
        ("zsh", {}, {".zshenv": 'ZDOTDIR="$HOME/zsh"; echo hello'}),
        ("zsh", {}, {".zshrc": "autoload -Uz compinit && compinit -u"}),
        ("zsh", {"LC_ALL": "C"}, {".zshrc": "setopt nounset ksh_arrays"}),
        ("fish", {}, {}),
        ("fish", {"XDG_CONFIG_HOME": "~/my config"}, {}),
        ("fish", {"LC_ALL": "C"}, {".config/fish/config.fish": "echo hello"}),
    ],
)
def test_the_next_shell_completes_commands_and_options(
    name: str, extra: dict[str, str], startup: dict[str, str], home: Path, bin_folder: Path
) -> None:
    for file, text in startup.items():
        (home / file).parent.mkdir(parents=True, exist_ok=True)
        (home / file).write_text(text)  # its last line has no end
    env = variables(home, extra)
    done = install(needed(name), env)
    assert done.returncode == 0, done.stderr
    assert f"completion works in each new {name}" in done.stderr
    assert Path(done.stdout.rstrip("\n")).is_relative_to(home)
    assert typed_in(name, env, bin_folder) == "tags --numbers"


@pytest.mark.parametrize(
    ("name", "startup"), [("bash", ".bashrc"), ("zsh", ".zshrc"), ("fish", ".config/fish/config.fish")]
)
def test_a_written_script_completes_where_a_startup_file_reads_it(
    name: str, startup: str, home: Path, bin_folder: Path
) -> None:
    env, written = variables(home, {}), home / "completion"
    assert install(needed(name), env, "-o", str(written)).stdout == f"{written}\n"
    (home / startup).parent.mkdir(parents=True, exist_ok=True)
    (home / startup).write_text(f'. "{written}"\n')
    assert typed_in(name, env, bin_folder) == "tags --numbers"


@pytest.mark.parametrize(("name", "startup"), [("bash", ".bashrc"), ("zsh", ".zshrc")])
def test_a_second_time_changes_no_startup_file(name: str, startup: str, home: Path) -> None:
    file = home / "dotfiles"
    file.write_text("true")
    (home / startup).symlink_to(file)
    env = variables(home, {})
    assert f"added to {home / startup}" in install(needed(name), env).stderr
    once = file.read_bytes()
    assert once.startswith(b"true\n")
    assert "added" not in install(name, env).stderr
    assert file.read_bytes() == once
    assert (home / startup).is_symlink()


@pytest.mark.parametrize(
    ("name", "startup", "text"),
    [
        ("bash", ".bashrc", "exit 0"),
        ("bash", ".bashrc", "return\n"),
        ("zsh", ".zshrc", "if true; then\n"),
        ("zsh", ".zshrc", "exec sleep 0"),
        ("fish", ".config/fish/config.fish", "set fish_complete_path /nowhere"),
    ],
)
def test_no_success_is_reported_when_a_new_shell_does_not_get_there(
    name: str, startup: str, text: str, home: Path
) -> None:
    (home / startup).parent.mkdir(parents=True, exist_ok=True)
    (home / startup).write_text(text)
    done = install(needed(name), variables(home, {}))
    assert done.returncode == shell.FAILED
    assert f"ttweet: a new {name} does not complete ttweet: " in done.stderr
    assert "works" not in done.stderr


def test_a_shell_that_does_not_start_in_time_is_ended(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(completion, "SHELL_TIMEOUT_S", 0.01)
    (home / ".bashrc").write_text("cat <&1 >/dev/null; sleep 1000\n")
    assert main.main(["--install-completion", "--shell", "bash"]) == shell.FAILED
    assert "a new bash does not complete ttweet" in capsys.readouterr().err


def test_an_ignored_sigchld_makes_no_success(home: Path) -> None:
    (home / ".bashrc").write_text("exit 0\n")
    program = f"trap '' CHLD; exec {' '.join(TTWEET)} --install-completion --shell bash"
    done = subprocess.run(
        ["bash", "-c", program], env=variables(home, {}), capture_output=True, text=True, timeout=LIMIT_S
    )
    assert (done.returncode, "works" in done.stderr) == (shell.FAILED, False)


@pytest.mark.parametrize("file", [".profile", ".bash_profile"])
def test_a_login_shell_that_reads_no_bashrc_is_named_with_what_mends_it(home: Path, file: str) -> None:
    (home / file).touch()
    env = variables(home, {})
    said = install("bash", env).stderr
    assert f"except in a login shell, which does not read .bashrc; add to ~/{file}: " in said
    (home / file).write_text(said.rstrip("\n").rpartition(f"~/{file}: ")[2])
    assert "login" not in install("bash", env).stderr


@pytest.mark.parametrize("name", SHELLS)
def test_a_home_that_cannot_be_written_is_named_with_a_way_round_it(name: str, home: Path) -> None:
    done = install(name, variables(Path(NOT_WRITABLE), {}))
    assert (done.returncode, done.stdout) == (shell.FAILED, "")
    assert re.fullmatch(rf"ttweet: {NOT_WRITABLE}\S*: .*; write the script elsewhere: (.*)\n", done.stderr)
    assert done.stderr.endswith(f": ttweet --install-completion --shell {name} -o FILE\n")


def test_a_startup_file_that_cannot_be_written_is_named_with_the_line_that_it_needs(home: Path) -> None:
    (home / ".bashrc").mkdir()
    done = install("bash", variables(home, {}))
    assert (done.returncode, done.stdout) == (shell.FAILED, "")
    said, _, line = done.stderr.partition("; add this line to it: ")
    assert said == f"ttweet: {home / '.bashrc'}: Is a directory"
    (home / ".bashrc").rmdir()
    (home / ".bashrc").write_text(line)
    assert install("bash", variables(home, {})).returncode == 0


@pytest.mark.parametrize(("value", "seen"), [("", "HOME is ''"), ("a/b", "HOME is 'a/b'"), (None, "HOME is not set")])
@pytest.mark.parametrize("name", SHELLS)
def test_without_a_home_there_is_a_sentence(
    name: str, value: str | None, seen: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR"):
        monkeypatch.delenv(variable, raising=False)
    if value is not None:
        monkeypatch.setenv("HOME", value)
    monkeypatch.setattr("pwd.getpwuid", unknown_user)
    assert main.main(["--install-completion", "--shell", name]) == shell.USAGE
    assert f"ttweet: no home folder: {seen}; write the script elsewhere: ttweet " in capsys.readouterr().err


def unknown_user(uid: int) -> None:
    raise KeyError(uid)


def test_a_shell_that_is_not_installed_gets_its_script_and_no_promise(home: Path, bin_folder: Path) -> None:
    for name in SHELLS:
        done = install(name, variables(home, {"PATH": str(bin_folder)}))
        assert (done.returncode, Path(done.stdout.rstrip("\n")).is_file()) == (0, True)
        assert done.stderr.endswith(f"{name} is not installed here, so completion was not checked\n")


@pytest.mark.parametrize("name", SHELLS)
def test_completion_is_written_where_it_is_wanted(name: str, tmp_path: Path) -> None:
    done = run("--install-completion", "--shell", name, "-o", "script", cwd=tmp_path, variables={"HOME": str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{tmp_path}/script\n"
    script = (tmp_path / "script").read_text()
    assert all(command in script for command in COMMANDS)
    assert "--help-all" in script
    assert [path.name for path in tmp_path.iterdir()] == ["script"]


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("/dev/full", "No space left on device"),
        ("/dev", "Is a directory"),
        (f"{NOT_WRITABLE}/x", "No such file or directory"),
    ],
)
def test_a_script_that_cannot_be_written_is_named(file: str, why: str) -> None:
    text = f"ttweet: {file if '/x' not in file else NOT_WRITABLE}: {why}; choose another file with -o"
    assert complains("--install-completion", "--shell", "bash", "-o", file) == (shell.FAILED, text)


@pytest.mark.parametrize("found", ["powershell", None])
def test_an_unknown_shell_is_asked_for(
    found: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cyclopts.completion import ShellDetectionError

    def detect() -> str:
        if found is None:
            raise ShellDetectionError
        return found

    monkeypatch.setenv("SHELL", "/bin/tcsh")
    monkeypatch.setattr("cyclopts.completion.detect.detect_shell", detect)
    assert main.main(["--install-completion"]) == shell.USAGE
    said = "unknown shell '/bin/tcsh'; use bash, zsh or fish: ttweet --install-completion --shell bash"
    assert said in capsys.readouterr().err

"""scripts/man: the pages say what `--help-all` says, and a wheel installs them with the completion scripts."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from man_pages import roff
from man_pages.share import files, write

from tests.support.processes import LIMIT_S, environment
from tests.support.shells import needed, program_folder, typed_in, variables
from ttweet.cli.main import COMMANDS, make_app

ROOT = Path(__file__).parents[2]
DATE = "2026-01-31"
EPOCH = "1769817600"  # of that day
LOADS = {  # a startup file that finds the files of share/ as a distribution's shells do
    "bash": (".bashrc", "PS1='$ '; . '{share}/bash-completion/completions/ttweet'"),
    "zsh": (".zshrc", "fpath=('{share}/zsh/site-functions' $fpath); autoload -Uz compinit && compinit -u"),
    "fish": (".config/fish/config.fish", "set -p fish_complete_path '{share}/fish/vendor_completions.d'"),
}


@pytest.fixture(autouse=True)
def date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)


@pytest.fixture
def share(tmp_path: Path) -> Path:
    write(tmp_path / "share")
    return tmp_path / "share"


def page(name: str) -> str:
    return files()[f"man/man1/{name}.1"]


def test_there_is_a_page_of_the_program_and_of_each_command() -> None:
    pages = {Path(name).stem for name in files() if name.startswith("man/")}
    assert pages == {"ttweet", *(f"ttweet-{name}" for name in COMMANDS)}


def test_mandoc_finds_nothing_to_mend(share: Path) -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("there is no mandoc here")
    command = ["mandoc", "-T", "lint", *sorted(map(str, (share / "man" / "man1").iterdir()))]
    said = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_has_every_option_of_its_command(name: str) -> None:
    shown = page(f"ttweet-{name}")
    for argument in make_app()[name].assemble_argument_collection():
        assert not argument.parameter.help or all(roff.bold(spelled) in shown for spelled in argument.names)


def test_the_page_of_the_program_names_all_commands_and_flags() -> None:
    shown = page("ttweet")
    assert [name for name in COMMANDS if f".TP\n{roff.bold(name)}\n" not in shown] == []
    assert [flag for flag in ("--help", "--version", "-u", "-d") if roff.bold(flag) not in shown] == []
    assert "[bold]" not in shown


def test_a_row_keeps_the_lines_that_continue_it() -> None:
    rows = [" ".join(row.split()) for row in page("ttweet-find").split(".TP\n")]
    trust = "Use TLS and trust this PEM file; system: the system's CAs."
    assert f"\\fB\\-\\-ca\\fR \\fIFILE\\fR {trust}" in rows
    assert "\\fBTTWEET_TOKEN_FILE\\fR a file with the token, instead" in rows


def test_a_page_has_the_date_of_its_sources() -> None:
    assert page("ttweet-post").startswith(f'.TH TTWEET\\-POST 1 {DATE} "ttweet ')


def test_a_text_is_never_read_as_a_macro() -> None:
    assert roff.prose(".so secret") == "\\&.so secret"
    assert roff.block(["'quoted"]) == ".EX\n\\(aqquoted\n.EE"
    assert all(line.startswith("\\&.") for line in roff.prose(". " + "x" * roff.WIDTH).split("\n")[:1])
    assert roff.prose("a\\b") == "a\\eb"


@pytest.mark.parametrize("name", LOADS)
def test_a_shell_that_reads_the_installed_script_completes_commands_and_options(
    name: str, share: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    startup, text = LOADS[needed(name)]
    (home / startup).parent.mkdir(parents=True)
    (home / startup).write_text(text.format(share=share))
    assert typed_in(name, variables(home, {}), program_folder(tmp_path)) == "tags --numbers"


def test_a_wheel_installs_them(tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("there is no uv beside this Python")
    options = ["--quiet", "--wheel", "--no-build-isolation", "--offline", "--out-dir", str(tmp_path)]
    variables = environment({"SOURCE_DATE_EPOCH": EPOCH, "VIRTUAL_ENV": str(uv.parents[1])})
    built = subprocess.run(
        [uv, "build", *options, ROOT], env=variables, capture_output=True, text=True, timeout=LIMIT_S
    )
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        installed = {re.sub(r"^.*\.data/data/share/", "", name): name for name in wheel.namelist() if "/share/" in name}
        assert {name: wheel.read(inside).decode() for name, inside in installed.items()} == files()

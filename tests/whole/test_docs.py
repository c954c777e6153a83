"""The documents are true: examples run, transcripts hold, tables agree with the code, links lead somewhere."""

import ast
import importlib
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from cyclopts import App

import ttweet
from ttweet.cli import shell
from ttweet.cli.main import make_app
from ttweet.model.errors import CODES, Refused
from ttweet.protocol import requests
from ttweet.server.config import Limits

PACKAGE = Path(ttweet.__file__).parent
ROOT = PACKAGE.parent
README = (ROOT / "README.md").read_text()
COMMANDS = (ROOT / "docs" / "commands.md").read_text()
LIMITS = (ROOT / "docs" / "limits.md").read_text()
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text()
STARTING = (ROOT / "docs" / "getting-started.md").read_text()
PYTHON = (ROOT / "docs" / "python.md").read_text()
PORT = "13001"  # as the documents have it
MAX_README_LINES = 150
LIMIT_S = 120.0  # for an example that hangs
SQLITE_SHELL = (
    "import sqlite3, sys; [print(*row, sep='|') for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])]"
)

# Examples: a command after `$ `, and what a terminal shows of it.


@dataclass
class Example:
    """One command of a document and what it says the command prints."""

    command: str
    shown: list[str]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def examples(text: str, language: str) -> list[Example]:
    found: list[Example] = []
    for line in "".join(blocks(text, language)).splitlines():
        if line.startswith("$ "):
            found.append(Example(line.removeprefix("$ "), []))
        else:
            found[-1].shown.append(line)
    return found


def normal(text: str) -> str:
    """A line of output without what differs from run to run: times, versions, ephemeral ports, column widths."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = re.sub(r'"(at|newest)":\d+', r'"\1":TIME', text)
    text = re.sub(r"\d\d:\d\d:\d\d", "TIME", text)
    text = re.sub(r"(?<= )(now|\d+ (s|min|h|d|wk|yr))(?= |$)", "AGE", text)
    text = re.sub(r"\('127\.0\.0\.1', \d+\)", "PEER", text)
    text = re.sub(r"\b\d+\.\d+\.\d+(?!\.)\b", "VERSION", text)
    text = re.sub(r"in \d+\.\d s$", "in SECONDS", text)
    text = re.sub(r"(?<= )\d+\.\ds$", "DURATION", text)
    text = re.sub(r"[▁-█]{14}|\[(\d,){13}\d\]", "DAYS", text)
    return " ".join(text.split())


def comparable(lines: list[str], port: int | None = None) -> list[str]:
    """Lines of output as they are compared: normal, with the port of the documents, empty ones left out.

    The documents have the default port, at which a server names no `--server`.
    """
    at_default = [line.replace(f" --server 127.0.0.1:{port}", "") for line in lines if line]
    return [normal(line.replace(str(port), PORT)) for line in at_default]


class ExampleTerminal:
    """Programs on a pseudo-terminal, as a person would see them, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        bin_ = folder / "bin"
        bin_.mkdir()
        install(bin_ / "ttweet", f'exec "{sys.executable}" -m ttweet "$@"')
        if shutil.which("sqlite3") is None:
            install(bin_ / "sqlite3", f'exec "{sys.executable}" -c "{SQLITE_SHELL}" "$@"')
        self.folder = folder / "here"
        self.folder.mkdir()
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("TTWEET_")}
        self.env |= {"PATH": f"{bin_}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "TERM": "dumb", "COLUMNS": "80"}

    def start(self, command: str) -> tuple[subprocess.Popen[bytes], int]:
        """Start a command of the shell; what it prints can be read from the descriptor, which the caller closes."""
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            ["sh", "-c", command], cwd=self.folder, env=self.env, stdin=follower, stdout=follower, stderr=follower
        )
        os.close(follower)
        return process, leader

    def run(self, command: str) -> list[str]:
        process, leader = self.start(command)
        with process:
            lines = list(read_lines(leader))
            os.close(leader)
            assert process.wait(LIMIT_S) == 0, lines
        return lines


def install(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def read_lines(leader: int) -> Iterator[str]:
    """Yield the lines that appear on a pseudo-terminal, until its programs have closed it."""
    rest = ""
    while True:
        try:
            data = os.read(leader, 65536)
        except OSError:  # EIO: the other end is closed
            data = b""
        if not data:
            break
        *lines, rest = (rest + data.decode()).split("\r\n")
        yield from lines
    if rest:
        yield rest


@contextmanager
def serving(terminal: ExampleTerminal, command: str, lines: int) -> Iterator[tuple[int, list[str]]]:
    """A server while it runs: its port, and the lines that it prints at the start. Ctrl-C must end it with 0."""
    server, leader = terminal.start(f"exec {command}")
    printed = read_lines(leader)
    with server:
        try:
            started = [next(printed) for _ in range(lines)]
            yield next(int(line.rpartition(":")[2]) for line in started if "listening on" in line), started
        finally:
            server.send_signal(signal.SIGINT)
            list(printed)  # until it has closed its terminal
            os.close(leader)
    assert server.returncode == 0


@pytest.mark.parametrize("page", [README, STARTING], ids=["README", "getting-started"])
def test_the_examples_of_a_page_print_what_it_shows(tmp_path: Path, page: str) -> None:
    first, *others = examples(page, "console")
    assert first.command == f"ttweet serve {PORT}"
    terminal = ExampleTerminal(tmp_path)
    with serving(terminal, "ttweet serve 0", len(first.shown)) as (port, started):
        assert comparable(started, port) == comparable(first.shown)
        terminal.env["TTWEET_SERVER"] = f"127.0.0.1:{port}"
        for example in others:
            seen = terminal.run(example.command.replace(PORT, str(port)))
            assert comparable(seen, port) == comparable(example.shown), example.command


def first_line(program: str, terminal: ExampleTerminal) -> str:
    """Return the first output of a program, without waiting for its end, since it may run until stopped."""
    command = [sys.executable, "-u", "-c", program]
    with subprocess.Popen(command, cwd=terminal.folder, env=terminal.env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.kill()
    return line.removesuffix("\n")


@pytest.mark.parametrize("page", [README, PYTHON], ids=["README", "python"])
def test_the_programs_of_a_page_print_what_they_say(tmp_path: Path, page: str) -> None:
    terminal = ExampleTerminal(tmp_path)
    with serving(terminal, "ttweet serve 0 --quiet --no-report-file", 3) as (port, _):
        for program in blocks(page, "python"):
            (promised,) = re.findall(r"print\(.*\)  # (.*)", program)
            assert first_line(program.replace(PORT, str(port)), terminal) == promised


# The protocol's transcripts, spoken over plain sockets.


def said_by_server(line: str) -> bool:
    return line.startswith(('["ok"', '["err"', '["m"', '["e"', '["x",{'))


def speak(connection: socket.socket, lines: list[str]) -> list[str]:
    """Send the typed lines of a transcript as they come, and return it with the answers that really came."""
    seen = []
    with connection.makefile("rw", encoding="utf-8", newline="\n") as stream:
        for line in lines:
            if not said_by_server(line):
                stream.write(line + "\n")
                stream.flush()
            seen.append(stream.readline().removesuffix("\n") if said_by_server(line) else line)
    return seen


def ask_classic(connection: socket.socket, question: str) -> list[str]:
    """Return the output of `printf QUESTION | nc -N`."""
    connection.sendall(question.encode().decode("unicode_escape").encode())
    connection.shutdown(socket.SHUT_WR)
    with connection.makefile(encoding="utf-8") as stream:
        return stream.read().splitlines()


def spoken(transcript: Example, port: int) -> list[str]:
    question = re.match(r"printf '(.*)' \| nc", transcript.command)
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection:
        return ask_classic(connection, question[1]) if question else speak(connection, transcript.shown)


@pytest.mark.parametrize("page", [README, PROTOCOL], ids=["README", "protocol"])
def test_the_transcripts_of_a_page_are_what_the_server_sends(tmp_path: Path, page: str) -> None:
    with serving(ExampleTerminal(tmp_path), "ttweet serve 0 --quiet --no-report-file", 3) as (port, _):
        for transcript in examples(page, "nc"):
            assert comparable(spoken(transcript, port)) == comparable(transcript.shown), transcript.command


@pytest.mark.parametrize(("program", "option"), [("nc.openbsd", "-N"), ("nc.traditional", "-q 1")])
def test_both_kinds_of_nc_post_and_read_with_the_option_that_the_readme_names(
    tmp_path: Path, program: str, option: str
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")
    assert f"`{option}`" in README
    terminal = ExampleTerminal(tmp_path)
    with serving(terminal, "ttweet serve 0 --quiet --no-report-file", 3) as (port, _):
        for transcript in examples(README, "nc"):
            command = transcript.command.replace("nc -N", f"{program} {option}").replace(PORT, str(port))
            assert terminal.run(command) == transcript.shown, command


def test_every_operation_has_a_section_and_stands_in_a_transcript() -> None:
    typed = {line[2] for transcript in examples(PROTOCOL, "nc") for line in transcript.shown if line[:2] == '["'}
    for operation in known_operations():
        assert f"\n### `{operation}`: " in PROTOCOL
        assert operation in typed


def known_operations() -> list[str]:
    with pytest.raises(Refused) as refused:
        requests.parse("?", "")
    return refused.value.text.rpartition(": ")[2].split()


# Commands, options, exit codes.


def commands() -> dict[str, App]:
    """Each command's name with its parser; the classic forms stand under the empty name."""
    app = make_app()
    return {"": app} | {name: app[name] for name in app if not name.startswith("-")}


def arguments(app: App) -> Iterator[Any]:
    yield from [argument for argument in app.assemble_argument_collection() if argument.show]


def section(name: str) -> str:
    """The section of docs/commands.md on a command."""
    title = f"## `ttweet {name}`" if name else "## `ttweet -u`, `ttweet -d`"
    found = re.search(rf"^{re.escape(title)}\n(.*?)(?=^## |\Z)", COMMANDS, re.MULTILINE | re.DOTALL)
    assert found, f"docs/commands.md has no {title}"
    return found[1]


def row(text: str, name: str) -> str:
    found = [line for line in text.splitlines() if re.match(rf"\| [^|]*`{re.escape(name)}[` ]", line)]
    assert len(found) == 1, f"{name} has {len(found)} rows"
    return found[0]


def test_every_command_and_option_is_documented_with_its_default_and_variable() -> None:
    for name, app in commands().items():
        for argument in arguments(app):
            described = [row(section(name), spelling) for spelling in argument.names]
            default = argument.field_info.default
            if isinstance(default, int | float | str | Path) and not isinstance(default, bool) and default != "last":
                shown = argument.parameter.show_default
                text = shown(default).replace(",", "") if callable(shown) else default
                assert f"`{text}`" in described[0]
            for variable in argument.parameter.env_var or ():
                assert f"`{variable}`" in described[0]


def test_every_command_that_talks_to_a_server_can_speak_tls() -> None:
    for name, app in commands().items():
        options = {spelling for argument in arguments(app) for spelling in argument.names}
        assert "--ca" in options or "--server" not in options, name


def test_the_readme_has_at_most_150_lines() -> None:
    assert README.count("\n") <= MAX_README_LINES


def test_every_command_stands_in_the_readme() -> None:
    for name in commands():
        assert not name or f"(docs/commands.md#ttweet-{name})" in README


def test_no_option_is_documented_that_does_not_exist() -> None:
    app = make_app()
    known = {name for one in commands().values() for argument in arguments(one) for name in argument.names}
    known |= {name for name in app if name.startswith("-")}
    for text in (README, COMMANDS):
        assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", re.sub("python -m|`-q 1`", "", text))) <= known


def test_every_environment_variable_is_documented() -> None:
    used = {name for path in PACKAGE.rglob("*.py") for name in re.findall(r"TTWEET_[A-Z_]+", path.read_text())}
    assert [name for name in sorted(used) if f"`{name}`" not in COMMANDS] == []


def test_exit_codes_are_those_of_the_code() -> None:
    (sentence,) = re.findall(r"^Exit codes: (.*?)\.", README, re.MULTILINE | re.DOTALL)
    assert {int(code) for code in re.findall(r"\d+", sentence)} == set(shell.EXIT_CODES)
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", COMMANDS, re.MULTILINE)} == set(shell.EXIT_CODES)


# Error codes and constants.


def test_every_error_code_stands_in_the_protocol() -> None:
    assert not [code for code in CODES if f"`{code}`" not in PROTOCOL]


def test_the_protocol_names_no_error_code_that_does_not_exist() -> None:
    errors = PROTOCOL.partition("## Errors")[2].partition("## Operations")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", errors, re.MULTILINE)) <= set(CODES)


UNITS = {"": 1, "s": 1, "min": 60, "days": 86400, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "MB": 10**6}


def constant_rows(text: str) -> list[tuple[str, str, str]]:
    return re.findall(r"^\| `([a-z_]+\.[A-Za-z_.]+)` \| ([\d,.]+) ?(\w*) \|", text, re.MULTILINE)


def constant(name: str) -> Any:
    """A constant by module and name, or the default of a dataclass's field by module, class and name."""
    module, _, own = name.rpartition(".")
    if (kind := module.rpartition(".")[2]).istitle():
        value: Any = getattr(importlib.import_module(f"ttweet.{module.removesuffix(f'.{kind}')}"), kind)
        return {field.name: field.default for field in fields(value)}[own]
    return getattr(importlib.import_module(f"ttweet.{module}"), own)


@pytest.mark.parametrize(("name", "number", "unit"), sorted({*constant_rows(LIMITS), *constant_rows(PROTOCOL)}))
def test_a_constant_has_the_value_that_is_written(name: str, number: str, unit: str) -> None:
    written = float(number.replace(",", "")) * UNITS[unit]
    assert constant(name) == (written * 1000 if name.endswith("_MS") else written)


def test_every_maximum_stands_in_the_design() -> None:
    described = {name for name, _, _ in constant_rows(LIMITS)}
    modules = {path: ".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in PACKAGE.rglob("*.py")}
    assert {f"{module}.{name}" for path, module in modules.items() for name in maxima(path)} <= described


def maxima(module: Path) -> Iterator[str]:
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name.startswith("MAX_"):
                yield name


def test_every_limit_of_a_client_stands_in_the_design() -> None:
    described = {name for name, _, _ in constant_rows(LIMITS)}
    assert {f"server.config.Limits.{field.name}" for field in fields(Limits)} <= described


def test_the_tests_that_the_security_page_names_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "security.md").read_text()))
    source = "".join([path.read_text() for path in (ROOT / "tests").rglob("test_*.py")])
    assert named
    assert {name for name in named if f"def {name}(" not in source} == set()

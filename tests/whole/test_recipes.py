"""The recipes work: each command line is one that ttweet takes, and those for other programs are run with a tweet."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import takewhile
from pathlib import Path
from queue import SimpleQueue

import pytest

from tests.support.processes import LIMIT_S, environment, run, running_server
from ttweet.cli.main import make_app

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *(f"docs/{name}.md" for name in ("getting-started", "operating", "recipes"))]
RECIPES = (ROOT / "docs" / "recipes.md").read_text()
OPERATORS = {"|", "||", "&&", ";", ")"}
URL = re.compile(r"https?://[^\s']+")


def shell_lines(page: str) -> Iterator[str]:
    """The command lines of a page: those of blocks for a shell, a terminal or cron, and those in tables."""
    text = (ROOT / page).read_text()
    for block in re.findall(r"^```(?:sh|cron|console)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    for line in text.splitlines():
        yield from re.findall(r"`(ttweet [^`]*)`", line) if line.startswith("|") else []


def words(line: str) -> list[str]:
    """The words of a shell's line, with its operators as words of their own. A comment ends it."""
    lexer = shlex.shlex(line.replace("\\%", "%"), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(lexer)


def commands(page: str) -> Iterator[list[str]]:
    """The arguments of each call of ttweet, up to the operator that ends it. Those of `run` begin another command."""
    for line in shell_lines(page):
        rest = words(line.removeprefix("$ ").replace('"$id"', "42"))
        while "ttweet" in rest:
            rest = rest[rest.index("ttweet") + 1 :]
            yield [*takewhile(lambda word: word not in OPERATORS | {"--"}, rest)]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_line_of_a_page_is_one_that_ttweet_takes(page: str) -> None:
    app = make_app()
    called = list(commands(page))
    assert called
    for name, *arguments in called:
        if name == "run":
            arguments += ["--", "true"]
        if not name.startswith("-"):
            app[name].parse_args(arguments, exit_on_error=False, print_error=False)


@pytest.fixture
def received() -> Iterator[tuple[str, SimpleQueue[bytes]]]:
    """A web server of our own: its address, and the bodies that were posted to it."""
    bodies: SimpleQueue[bytes] = SimpleQueue()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", bodies
        server.shutdown()
        thread.join()


def posting_recipes() -> list[str]:
    """The recipes that pass tweets on by HTTP."""
    blocks = re.findall(r"^```sh\n(ttweet follow.*?)^```$", RECIPES, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "curl" in block]


@pytest.mark.parametrize("recipe", posting_recipes(), ids=lambda recipe: str(URL.findall(recipe)[0]))
def test_a_recipe_passes_a_tweet_on(tmp_path: Path, received: tuple[str, SimpleQueue[bytes]], recipe: str) -> None:
    if missing := [name for name in ("curl", "jq") if name in recipe and shutil.which(name) is None]:
        pytest.skip(f"there is no {missing[0]} here")
    url, bodies = received
    tag = re.findall(r"follow (\w+)", recipe)[0]
    command = URL.sub(url, recipe).replace("ttweet follow", f'"{sys.executable}" -m ttweet follow --after 0')
    with running_server(tmp_path) as server:
        run("post", f"It is -5 degrees #{tag}", "--server", server.address)
        variables = environment({"TTWEET_SERVER": server.address, "PYTHONPATH": str(ROOT)})
        with subprocess.Popen(["sh", "-c", command], env=variables, start_new_session=True) as process:
            try:
                body = bodies.get(timeout=LIMIT_S)
            finally:
                os.killpg(process.pid, signal.SIGTERM)
    assert f"It is -5 degrees #{tag}" in body.decode()


@pytest.mark.skipif(shutil.which("jq") is None, reason="there is no jq here")
def test_a_message_of_a_bridge_is_one_line_of_150_characters_at_most() -> None:
    (program,) = re.findall(r"jq --unbuffered -r '(.*?)'", RECIPES)
    messages = [
        {"event": "api_connected", "username": "", "text": ""},
        {"event": "", "username": "bob", "text": "two\nlines"},
        {"event": "", "username": "eve", "text": "x" * 200},
    ]
    shown = subprocess.run(
        ["jq", "-r", program], input="".join(map(json.dumps, messages)), capture_output=True, text=True, timeout=LIMIT_S
    )
    assert shown.stdout.splitlines() == ["bob two lines", f"eve {'x' * 146}"]

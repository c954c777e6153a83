"""The proxies of docs/http.md, set up as it says: they run in front of a server, each with a socket in a folder."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S
from tests.support.web_server import WebServer, web_server

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text()
NAME = "tweets.example.org"
HOST = f"{NAME}:8443"
NGINX = """\
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen unix:{folder}/proxy.sock;
        {location}
    }}
}}
"""
CADDY = """\
{{
    admin unix/{folder}/admin.sock
    auto_https off
}}
http://{host} {{
    bind unix/{folder}/proxy.sock
    {directive}
}}
"""

Proxy = Callable[[WebServer, Path], AbstractContextManager[None]]


class ByProxy(HTTPConnection):
    """A connection to the socket of a proxy."""

    def __init__(self, folder: Path) -> None:
        super().__init__(HOST, timeout=LIMIT_S)
        self._path = str(folder / "proxy.sock")

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(LIMIT_S)
        self.sock.connect(self._path)


def written(pattern: str, server: WebServer) -> str:
    """A part of the page, with the port of this server."""
    found = re.search(pattern, PAGE, re.DOTALL)
    assert found
    return found[1].replace("127.0.0.1:8080", server.url.removeprefix("http://"))


def run(folder: Path, *argv: str | Path) -> None:
    """Run a command that ends once the proxy listens, or has stopped. It keeps nothing outside the folder."""
    variables = {**os.environ, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    quiet = subprocess.DEVNULL
    subprocess.run(argv, check=True, stdout=quiet, stderr=quiet, timeout=LIMIT_S, env=variables)


@contextmanager
def nginx(server: WebServer, folder: Path) -> Iterator[None]:
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, location=written(r"```nginx\n(.*?)```", server)))
    run(folder, "nginx", "-p", folder, "-c", file)
    try:
        yield
    finally:
        run(folder, "nginx", "-p", folder, "-c", file, "-s", "stop")


@contextmanager
def caddy(server: WebServer, folder: Path) -> Iterator[None]:
    file = folder / "Caddyfile"
    file.write_text(CADDY.format(folder=folder, host=HOST, directive=written(r"\n {4}(reverse_proxy [^\n]*)", server)))
    run(folder, "caddy", "start", "--config", file, "--adapter", "caddyfile")
    try:
        yield
    finally:
        run(folder, "caddy", "stop", "--address", f"unix/{folder}/admin.sock")


def ask(folder: Path, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
    """The status and the body of an answer."""
    connection = ByProxy(folder)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


@pytest.mark.parametrize("proxy", [nginx, caddy], ids=["nginx", "caddy"])
def test_a_proxy_that_is_set_up_as_the_page_says_passes_browsers_on_as_strangers(
    proxy: Proxy, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    program = request.node.callspec.id
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    folder = tmp_path_factory.mktemp(program)
    folder.chmod(0o755)
    options = ("--http-proxy", "127.0.0.1", "--http-name", NAME, "--anonymous", "write")
    with web_server(folder, *options) as server, proxy(server, folder):
        form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{HOST}"}
        assert ask(folder, "POST", "/tweets", "text=by+a+proxy", **form)[0] == 201
        assert ask(folder, "POST", "/tweets", "text=no", **form | {"Origin": "http://evil.example"})[0] == 403
        assert f"<id>http://{HOST}/tweets/1</id>" in ask(folder, "GET", "/tweets.atom")[1]
        assert ask(folder, "DELETE", "/tweets/1")[0] == 401, "a stranger, though the proxy is on this machine"

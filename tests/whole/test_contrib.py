"""The files of contrib/: the unit is as hardened as it says, and the image's recipe names files that exist."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.processes import LIMIT_S, environment
from tests.support.web_server import web_server
from ttweet.cli.main import make_app

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "contrib" / "ttweet.service"
SOCKETS = ROOT / "contrib" / "ttweet.socket"
RECIPE = (ROOT / "contrib" / "Dockerfile").read_text()
MOST_EXPOSED = 1.5  # of systemd's scale, on which 10 is unprotected


def systemd_analyze(*arguments: str) -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze here")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=LIMIT_S)
    if "--offline" in " ".join(arguments) and "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze is older than 250 and cannot look at a file")
    return done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool here")
def test_prometheus_understands_the_alerts() -> None:
    checked = subprocess.run(
        ["promtool", "check", "rules", str(ROOT / "contrib" / "alerts.yml")], capture_output=True, timeout=LIMIT_S
    )
    assert (checked.returncode, checked.stderr) == (0, b"")


def test_the_alerts_name_metrics_that_exist() -> None:
    source = (ROOT / "ttweet" / "server" / "http" / "metrics.py").read_text()
    named = set(re.findall(r"\bttweet_(\w+)", (ROOT / "contrib" / "alerts.yml").read_text()))
    assert named
    assert {name for name in named if f'"{name.removesuffix("_total")}"' not in source} == {"ready"}
    assert '"ttweet_ready"' in source


def test_the_unit_is_hardened() -> None:
    said = systemd_analyze("security", "--offline=true", "--no-pager", str(UNIT))
    found = re.search(r"exposure level for ttweet\.service: ([\d.]+)", said)
    assert found, said
    assert float(found[1]) <= MOST_EXPOSED
    readme = " ".join((ROOT / "contrib" / "README.md").read_text().split())
    assert f"gives it {MOST_EXPOSED} at most" in readme


def test_systemd_understands_every_line_of_the_units(tmp_path: Path) -> None:
    program = tmp_path / "ttweet"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in (UNIT, SOCKETS):
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/ttweet/bin/ttweet", str(program)))
    said = systemd_analyze("verify", *(str(tmp_path / unit.name) for unit in (UNIT, SOCKETS)))
    assert [line for line in said.splitlines() if "ttweet." in line] == []


def test_the_socket_unit_has_a_socket_for_each_port_of_the_service() -> None:
    sockets = re.findall(r"^ListenStream=(\S+):(\d+)$", SOCKETS.read_text(), re.MULTILINE)
    command = command_of_the_unit()
    assert sockets == [("127.0.0.1", command[1]), ("127.0.0.1", command[command.index("--http") + 1])]


def command_of_the_unit() -> list[str]:
    (command,) = re.findall(r"^ExecStart=\S+/ttweet (.*)$", UNIT.read_text(), re.MULTILINE)
    return str(command).split()


def commands_of_drop_ins() -> list[list[str]]:
    readme = (ROOT / "contrib" / "README.md").read_text().replace("\\\n", " ")
    return [words.split() for words in re.findall(r"^ExecStart=\S+/ttweet (.*)$", readme, re.MULTILINE)]


def commands_of_the_recipe() -> tuple[list[str], list[str]]:
    """The health check, and what follows the image's entry point."""
    healthcheck, command = re.findall(r"^(?:HEALTHCHECK .*)?CMD (\[.*\])$", RECIPE.replace("\\\n", " "), re.MULTILINE)
    return json.loads(healthcheck), json.loads(command)


def test_all_give_the_server_a_command_line_that_it_takes() -> None:
    assert len(commands_of_drop_ins()) == 2
    for words in (command_of_the_unit(), *commands_of_drop_ins(), commands_of_the_recipe()[1]):
        name, *arguments = words
        make_app()[name].parse_args(arguments)


def test_the_recipe_copies_what_there_is_and_all_that_a_wheel_needs() -> None:
    copied = [name for line in re.findall(r"^COPY (?!--)(.*)$", RECIPE, re.MULTILINE) for name in line.split()[:-1]]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    hook = ROOT / "scripts" / "docs_site" / "metadata_hook.py"
    build = (ROOT / "pyproject.toml").read_text() + hook.read_text()
    for needed in ("README.md", "LICENSE", "migrations", "scripts", "ttweet"):
        assert f'"{needed}' in build
        assert needed in copied
    assert "\nUSER ttweet\n" in RECIPE


def test_the_healthcheck_of_the_image_tells_a_server_that_answers_from_none(tmp_path: Path) -> None:
    (python, *arguments), command = commands_of_the_recipe()
    url = re.findall(r"TTWEET_HEALTH=(\S+)", RECIPE)[0]
    assert (python, command[2:4]) == ("python3", ["--http", str(urlsplit(url).port)])

    def healthy(port: int) -> bool:
        variables = environment({"TTWEET_HEALTH": url.replace("8080", f"{port}")})
        return subprocess.run([sys.executable, *arguments], env=variables, timeout=LIMIT_S).returncode == 0

    with web_server(tmp_path) as server:
        assert server.url.endswith(f":{server.http_port}")
        assert healthy(server.http_port)
        server.stop()
        assert not healthy(server.http_port)

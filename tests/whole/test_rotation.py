"""The recipes for logrotate in docs/commands.md, tried with it: no line is lost."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S, run
from tests.support.talking import talking_server

LOGROTATE = shutil.which("logrotate", path="/usr/sbin:/usr/local/sbin:/usr/bin")
COMMANDS = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
RECIPES = re.findall(r"```logrotate\n(.*?)```", COMMANDS, re.DOTALL)


def wait_for(text: str, sample: Path) -> None:
    """Wait until the file, which need not be there yet, has a line with the text."""
    with subprocess.Popen(["tail", "-n", "+1", "-F", sample], stdout=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        assert any(text in line for line in tail.stdout)
        tail.kill()


@pytest.mark.skipif(LOGROTATE is None, reason="there is no logrotate here")
@pytest.mark.parametrize("recipe", RECIPES, ids=["create", "copytruncate"])
def test_logrotate_takes_the_recipe_and_no_line_is_lost(recipe: str, tmp_path: Path) -> None:
    assert LOGROTATE is not None
    sample, old = tmp_path / "Sample.txt", tmp_path / "Sample.txt.1"
    config = tmp_path / "ttweet.conf"
    config.write_text(recipe.replace("/var/lib/ttweet", str(tmp_path)))
    config.chmod(0o600)
    with talking_server(cwd=tmp_path) as server:
        address = f"127.0.0.1:{server.port}"
        assert run("post", "before", "--server", address).returncode == 0
        wait_for("Message Received: before", sample)
        rotation = [LOGROTATE, "--force", "--state", str(tmp_path / "state"), str(config)]
        done = subprocess.run(rotation, capture_output=True, text=True, timeout=LIMIT_S)
        assert (done.returncode, done.stderr) == (0, "")
        if "postrotate" in recipe:
            server.read_until("SIGHUP")
        assert run("post", "after", "--server", address).returncode == 0
        assert server.stop() == 0
    whole = run("log", "--export", "-", "--db", str(server.db)).stdout
    assert "before" in old.read_text()
    assert "after" not in old.read_text()
    if "copytruncate" in recipe:
        assert sample.read_text() == whole
    else:
        assert old.read_text() + sample.read_text() == whole

"""A command starts as `env` starts it, which is execvp(3) and nothing else."""

import subprocess
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S, TTWEET, environment

NOBODY_THERE = [*TTWEET, "run", "--server", "127.0.0.1:1", "--"]
LONG = "x" * 300

FILES = {
    "bin/with-shebang": (0o755, "#!/bin/sh\necho $0 $1; exit 3\n"),
    "bin/without-shebang": (0o755, "echo $1; exit 3\n"),
    "bin/empty": (0o755, ""),
    "bin/no-interpreter": (0o755, "#!/no/such/interpreter\n"),
    "bin/not-executable": (0o644, "#!/bin/sh\necho never\n"),
    "bin/binary": (0o755, "\x7fELF\0\0\0\0"),
    "bin/folder/inside": (0o644, ""),
    "later/without-shebang": (0o755, "#!/bin/sh\necho never\n"),
    "later/not-executable": (0o755, "#!/bin/sh\necho $1 later\n"),
    "later/no-interpreter": (0o755, "#!/bin/sh\necho $1 later\n"),
    "later/folder": (0o755, "#!/bin/sh\necho $1 later\n"),
    "here": (0o755, "echo here; exit 4\n"),
    "-dash": (0o755, "echo dash\n"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of all kinds."""
    folder = tmp_path_factory.mktemp("programs")
    for name, (mode, text) in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="latin-1")
        path.chmod(mode)
    (folder / "bin/loop").symlink_to("loop")
    return folder


@pytest.mark.parametrize("path", ["bin:later:/usr/bin:/bin", "bin:/usr/bin:/bin"], ids=["twice", "once"])
@pytest.mark.parametrize("name", [*sorted({Path(name).name for name in FILES} - {"inside"}), "no-such"])
def test_a_name_is_looked_up_in_path_as_env_does(folder: Path, name: str, path: str) -> None:
    assert outcome(NOBODY_THERE, folder, name, path) == outcome(["env", "--"], folder, name, path)


@pytest.mark.parametrize(
    "name",
    [
        *[f"bin/{name}" for name in ("without-shebang", "empty", "no-interpreter", "not-executable", "binary")],
        *["./bin/with-shebang", "bin/folder", "bin/folder/no-such", "bin/empty/no-such", "bin/loop"],
        *["", "/", ".", "..", "./-dash", LONG, f"bin/{LONG}", "\udcff"],
    ],
)
def test_a_path_is_started_as_env_does(folder: Path, name: str) -> None:
    assert outcome(NOBODY_THERE, folder, name) == outcome(["env", "--"], folder, name)


@pytest.mark.parametrize("path", ["", ":/usr/bin", "/usr/bin:", "/usr/bin::/bin", "bin/empty:.", "/no/such/folder:."])
@pytest.mark.parametrize("name", ["here", "-dash", "no-such"])
def test_an_empty_folder_in_path_is_the_working_folder(folder: Path, name: str, path: str) -> None:
    expected = outcome(["/usr/bin/env", "--"], folder, name, path)
    assert outcome(NOBODY_THERE, folder, name, path) == expected


def test_a_descriptor_that_was_opened_for_the_command_reaches_it(folder: Path) -> None:
    script = f"exec 7<here; {' '.join(NOBODY_THERE)} cat /dev/fd/7"
    assert subprocess.check_output(["sh", "-c", script], cwd=folder, timeout=LIMIT_S, env=environment()) == (
        b"echo here; exit 4\n"
    )


def test_a_variable_without_a_name_is_left_out(folder: Path) -> None:
    odd = ["env", "-i", "=x=1", "PATH=/usr/bin:/bin", *NOBODY_THERE]
    assert subprocess.run([*odd, "true"], cwd=Path.cwd(), timeout=LIMIT_S, capture_output=True).returncode == 0


def outcome(wrapper: list[str], folder: Path, name: str, path: str | None = None) -> tuple[int, bytes]:
    """The exit code and the output of a program."""
    variables = environment({} if path is None else {"PATH": path})
    done = subprocess.run(
        [*wrapper, name.encode(errors="surrogateescape"), "word"],
        cwd=folder, env=variables, capture_output=True, timeout=LIMIT_S,
    )  # fmt: skip
    return done.returncode, done.stdout

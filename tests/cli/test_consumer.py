import os
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.server_here import server_here
from ttweet.cli.consumer import Consumer, open_consumer
from ttweet.cli.shell import UsageError
from ttweet.client.sync_client import Client

SERVER = "127.0.0.1:13001"


def test_a_position_is_there_for_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "consumers" / "job"
    with Consumer(path, SERVER) as first:
        assert first.after is None
        first.save(0)
        first.save(2**53 - 1)
        first.save(41)
    with Consumer(path, SERVER) as second:
        assert second.after == 41
    assert path.stat().st_mode & 0o777 == 0o600


def test_two_processes_do_not_share_a_position(tmp_path: Path) -> None:
    with Consumer(tmp_path / "job", SERVER), pytest.raises(UsageError, match="consumer 'job' is in use"):
        Consumer(tmp_path / "job", SERVER)


def test_a_position_belongs_to_one_server(tmp_path: Path) -> None:
    with Consumer(tmp_path / "job", SERVER) as first:
        first.save(1)
    with pytest.raises(UsageError, match=f"belongs to the server {SERVER}; use another name for other:1"):
        Consumer(tmp_path / "job", "other:1")


@pytest.mark.parametrize("content", [b"7", b"seven\n", b"\xff" * 30, b"0000000000000001 127.0.0.1:13001"])
def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "job").write_bytes(content)
    (tmp_path / "job").chmod(0o600)
    with pytest.raises(UsageError, match=f"consumer 'job' is damaged; to begin again, remove {tmp_path}/job"):
        Consumer(tmp_path / "job", SERVER)


@pytest.mark.parametrize("name", ["", "a/b", "..", "-a", "a b", "x" * 65])
def test_a_name_that_could_be_another_path_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="use 1 to 64 letters, digits, _ and -"):
        open_consumer(name, SERVER)


def test_a_home_that_cannot_be_written_is_named_with_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(OSError, match="Not a directory; set XDG_STATE_HOME to a folder that you can write"):
        open_consumer("job", SERVER)


def test_a_position_that_cannot_be_saved_is_the_fault_of_its_file(tmp_path: Path) -> None:
    with Consumer(tmp_path / "job", SERVER) as consumer:
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, consumer._file)
        os.close(full)
        with pytest.raises(OSError, match="No space left on device") as raised:
            consumer.save(1)
        assert raised.value.filename == str(tmp_path / "job")
        assert consumer.after is None


def test_a_consumer_misses_no_tweet_after_a_restored_backup(tmp_path: Path) -> None:
    with server_here(tmp_path) as server, Client("127.0.0.1", server.port) as client:
        client.post("one")
        with Consumer(tmp_path / "ttweet" / "consumers" / "job", server.address) as consumer:
            consumer.save(1000)

        def follow() -> str:
            options = ["--consumer", "job", "--until-now", "--format", "{text}", "--server", server.address]
            return processes.run("follow", *options, variables={"XDG_STATE_HOME": str(tmp_path)}).stdout

        assert follow() == ""
        client.post("two")
        assert follow() == "two\n"

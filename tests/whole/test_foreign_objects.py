"""A search index with triggers, as sqlite-utils puts it on the tweets, before a server starts and while it runs."""

from pathlib import Path

import pytest

from tests.support.processes import run, running_server
from tests.support.sqlite_files import sqlite_utils
from ttweet.client.sync_client import Client
from ttweet.model.errors import Refused


def test_a_server_outlives_a_trigger_and_stores_again_without_it(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, Client("127.0.0.1", server.port) as client:
        assert client.post("before #a").id == 1
        sqlite_utils("enable-fts", server.db, "tweets", "text", "--create-triggers")
        for request in (lambda: client.post("refused"), lambda: client.delete(1)):
            with pytest.raises(Refused, match="trigger 'tweets_ai' on tweets") as refusal:
                request()
            assert refusal.value.code == "altered"
        last = client.last()
        assert last is not None
        assert last.text == "before #a"
        assert [tag.tag for tag in client.list_tags().tags] == ["a"]
        sqlite_utils("disable-fts", server.db, "tweets")
        assert client.post("after #b").id == 2
        assert server.stop() == 0
    assert "2 tweets" in run("check", cwd=tmp_path).stdout


def test_a_server_that_stops_with_a_trigger_has_lost_nothing(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, Client("127.0.0.1", server.port) as client:
        client.post("acknowledged")
        sqlite_utils("enable-fts", server.db, "tweets", "text", "--create-triggers")
        assert server.stop() == 1
    refused = run("serve", "0", cwd=tmp_path)
    assert (refused.returncode, "DROP TRIGGER" in refused.stderr) == (1, True)
    assert run("last", "--db", "tweets.db", cwd=tmp_path).stdout == "acknowledged\n"
    sqlite_utils("disable-fts", server.db, "tweets")
    with running_server(tmp_path) as server, Client("127.0.0.1", server.port) as client:
        assert client.post("next").id == 2

"""The pictures of the pages: those that the docs show are those that the script takes."""

import json
import re
from pathlib import Path

from page_pictures import seed
from page_pictures.__main__ import OTHERS, SHOTS

from ttweet.model.tweets import checked_text

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
PNG = b"\x89PNG\r\n\x1a\n"


def test_every_picture_is_taken_by_the_script_and_shown_in_the_docs() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = {name for page in pages for name in re.findall(r"pictures/([a-z-]+)\.png", page.read_text())}
    assert shown == {shot.name for shot in SHOTS} == {file.stem for file in PICTURES.iterdir()}
    assert all(file.read_bytes().startswith(PNG) for file in PICTURES.iterdir())


def test_no_two_pictures_have_a_name_in_common() -> None:
    names = [shot.name for shot in (*SHOTS, *OTHERS)]
    assert len({*names}) == len(names)


def test_the_tweets_of_the_pictures_are_an_export(tmp_path: Path) -> None:
    seed.write(tmp_path / "tweets.jsonl")
    tweets = [json.loads(line) for line in (tmp_path / "tweets.jsonl").read_text().splitlines()]
    assert [tweet["id"] for tweet in tweets] == [*range(1, len(tweets) + 1)]
    assert all(checked_text(tweet["text"]) == tweet["text"] for tweet in tweets)
    assert sorted(tweet["at"] for tweet in tweets) == [tweet["at"] for tweet in tweets]

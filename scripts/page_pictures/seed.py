"""The tweets of the pictures: three weeks of a small team, the same at each run but for their times."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from ttweet.model import hashtags
from ttweet.model.times import now_ms

DAY_MS, MINUTE_MS = 86_400_000, 60_000
AUTHORS = ["ann", "ben", "carla", "Zoë", "deploybot", "cron", None]
TEXTS = [
    "Build {0} is green #ci",
    "Build {0} failed: test_audience timed out #ci #flaky",
    "v2.{1}.0 is live on web1 and web2 #deploy #web",
    "Lunch at 12:{1} in the kitchen #team",
    "Backup done in {1} minutes #backup",
    "Please review the parser #review #python",
    "The café opens at nine today #café",
    "Lesson {1}: lists and dicts #python #cs",
]
LAST = [
    ("小林", "本日の勉強会は 19 時からです。資料はこちら https://example.jp/slides #勉強会 #python"),
    (None, "The winner is \u202etxt.exe, and nothing after it is turned round #spoof"),
    ("Zoë", "Family 👨‍👩‍👧 flags 🇸🇪🇯🇵 skin 👍🏽: all arrive #emoji 🎉"),
    ("carla", 'Shopping list:\n- milk\n- bread\n- <b>not bold</b> & "quotes" #home'),
    ("נועה", "שלום לכולם! הפגישה ב־10:30 #פגישה"),
    ("deploybot", "v2.4.0 is live on web1 and web2 #deploy #web"),
    ("ben", "Who has the key to the server room? #office#3251"),
    ("ann", "Build 4711 is green again, thanks @ben! #ci #thanks"),
]


def write(file: Path) -> None:
    """Write the tweets as an export, to be imported."""
    lines = [
        json.dumps({"id": number, "at": at, "by": by, "text": text, "tags": hashtags.extract(text, numeric=True)})
        for number, (at, by, text) in enumerate(_tweets(now_ms()), 1)
    ]
    file.write_text("\n".join(lines), encoding="utf-8")


def _tweets(now: int) -> Iterator[tuple[int, str | None, str]]:
    chance = random.Random(7)
    ages = sorted([chance.random() ** 1.6 * 21 * DAY_MS + 90 * MINUTE_MS for _ in range(600)], reverse=True)
    for number, age in enumerate(ages):
        text = chance.choice(TEXTS).format(4100 + number, chance.randint(10, 40))
        yield now - int(age), chance.choice(AUTHORS), text
    for place, (by, text) in enumerate(LAST):
        yield now - (len(LAST) - place) * 7 * MINUTE_MS, by, text

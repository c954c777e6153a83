#!/usr/bin/env python3
"""The course's server: ttweetser.py <ServerPort>. Keeps tweets.db in the folder it is started in."""

import os
import sys
from pathlib import Path

if len(sys.argv) != 2:
    sys.exit("usage: ttweetser.py <ServerPort>")
here = Path(__file__).resolve().parent
arguments = ["serve", "--quiet", "--no-report-file", "--db", "tweets.db", "--", sys.argv[1]]
sys.path.insert(0, str(here.parent))
try:
    import trio  # noqa: F401
except ImportError:  # this Python has not what the server needs; the checkout's own gets it
    os.execv(here / "ttweet", ["ttweet", *arguments])

from ttweet.cli import main  # noqa: E402

sys.exit(main.main(arguments))

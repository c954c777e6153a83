#!/usr/bin/env python3
"""The course's client: ttweetcli.py <ServerIP> <ServerPort> <Username>. Needs nothing but Python; exits with 0."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ttweet.cli import shell, utf8
from ttweet.cli.chat import course
from ttweet.cli.chat.screen import Screen

utf8.ensure()
shell.run(course.run, sys.argv[1:], Screen())

"""Run ttweet with the bug that the first argument names."""

import logging
import sys

from proofs.mutants import BUGS
from proofs.mutants.bug import BrokenBugs

logging.getLogger("ttweet").addHandler(BrokenBugs())
BUGS[sys.argv.pop(1)].put_in()

from ttweet.__main__ import main  # noqa: E402 - its modules are loaded with the bug in them

sys.exit(main())

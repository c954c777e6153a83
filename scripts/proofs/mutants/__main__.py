"""Run ttweet with the bug that the first argument names."""

import sys

from proofs.mutants import BUGS

BUGS[sys.argv.pop(1)].put_in()

from ttweet.__main__ import main  # noqa: E402 - its modules are loaded with the bug in them

sys.exit(main())

"""`python -m proofs`, which `scripts/prove` calls."""

import sys

from proofs.command_line import main

sys.exit(main())

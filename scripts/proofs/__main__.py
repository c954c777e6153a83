"""`python -m proofs`, which `scripts/prove` calls."""

import signal
import sys

from proofs.command_line import main

signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers, folders and mounts go first
sys.exit(main())

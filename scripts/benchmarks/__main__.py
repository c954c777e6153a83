"""`python -m benchmarks`, which `scripts/bench` calls."""

from benchmarks.command_line import main

main()

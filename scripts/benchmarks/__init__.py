"""The benchmark of ttweet and other systems. Run it as `scripts/bench`.

figures     what was measured, as values: loads, samples, medians, ratios
bars        the ratios that ttweet must reach
priority    ahead of other programs on the machine
stage       the cores, the folder and the processes of one run
generator   the load generator in C (loadgen/): compiled on demand, its figures read
peers/      how each server is found, started and loaded, one module each
turns       the longest turn of the event loop (timed_server)
parts/      what is measured, one module each
tables, comparison, chart, document   figures to Markdown, SVG and docs/performance.md
command_line              `scripts/bench`

Imports go downward in this list only.
"""

"""How long a test waits for what may hang: long, since on a slow machine everything is late and nothing is wrong."""

GUARD_S = 120.0

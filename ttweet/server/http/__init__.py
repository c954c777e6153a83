"""The HTTP edge: a table of routes, and one task for each connection. Imported by a server that serves HTTP alone."""

"""The HTTP edge: a table of routes, and one task for each connection. Only a server with HTTP imports it."""

"""The other end of a connection: clients for threads and for trio, followers and the spool."""

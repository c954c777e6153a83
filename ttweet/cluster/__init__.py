"""The replicated log, kept in etcd: its gateway without I/O, and the log on trio in a thread of its own."""

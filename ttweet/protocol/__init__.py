"""Bytes to requests and answers to bytes, for both ends, without I/O."""

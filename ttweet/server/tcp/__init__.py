"""The TCP edge: one task for each client that speaks the framed or the classic protocol."""

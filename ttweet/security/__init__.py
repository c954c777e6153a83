"""Who may do what, how fast and from where: rights, tokens, rate limits and certificates."""

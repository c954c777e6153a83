"""Rights, tokens, rate limits and certificates."""

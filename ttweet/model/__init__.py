"""What a tweet, a tag, a report line and an error are: pure values and rules."""

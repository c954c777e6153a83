"""The manual pages of ttweet(1) and of each command, from the texts of `--help-all`, and the completion scripts."""

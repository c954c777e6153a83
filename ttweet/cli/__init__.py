"""The command line: options, sources and output, which the commands share."""

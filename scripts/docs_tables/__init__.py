"""The tables of the documentation that come from the code: options, exit codes, error codes, limits and packages."""

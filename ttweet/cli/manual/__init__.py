"""The texts of the help pages, by group of commands."""

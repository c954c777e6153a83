"""The texts of the help pages, one module for each group of commands."""

"""The actions of the frequent commands, for the parser and for the exact shapes. Imports no parser."""

"""Pictures of the pages, taken in a browser from tweets that are always the same."""

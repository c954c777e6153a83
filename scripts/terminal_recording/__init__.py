"""Two terminals, recorded from real runs and drawn as one animated picture."""

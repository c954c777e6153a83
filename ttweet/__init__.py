"""ttweet: a tiny self-hosted Twitter for shells, scripts, classrooms and small teams."""

__version__ = "0.1.0"

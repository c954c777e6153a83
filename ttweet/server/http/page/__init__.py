"""The pages of a server, for browsers: templates, a style and a script. Each page is one more form of an answer."""

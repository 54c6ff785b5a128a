"""The command line: the use cases of the page and the API, for people and scripts at this host."""

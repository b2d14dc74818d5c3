"""The window: the only package that knows Qt, and nothing else of the program imports it."""

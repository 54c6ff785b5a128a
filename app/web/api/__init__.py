"""The JSON API's framework: calls, shapes, and their description."""

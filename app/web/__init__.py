"""Requests into use cases, results into HTML or JSON."""

"""Sends messages about problems to a webhook."""

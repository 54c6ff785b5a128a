"""Sending messages about trouble to a webhook."""

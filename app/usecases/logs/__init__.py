"""Reads and follows a gateway's log."""

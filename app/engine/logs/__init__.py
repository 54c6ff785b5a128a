"""Logs of containers: streams, followers shared by all readers, last words."""

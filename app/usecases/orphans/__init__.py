"""Containers and networks whose deployment folder is gone."""

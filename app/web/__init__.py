"""Requests into use cases, results into HTML or JSON.

Each module of a room has the pages of its subject in `bp` and its API calls in `api_bp`.
"""

"""Translates requests into calls of use cases, and their results into HTML or JSON.

Each module of a room has its pages in the blueprint `bp` and its API calls in `api_bp`.
"""

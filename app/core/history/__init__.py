"""A deployment's history: its entries, and their words."""

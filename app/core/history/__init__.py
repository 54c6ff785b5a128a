"""A deployment's history: its entries, incidents and timeline."""

"""The deployments folder, which holds all records. No module here calls Docker Engine."""

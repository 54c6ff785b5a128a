"""The deployments folder: the only record. Nothing here asks the engine."""

"""The current status of deployments, and why a deployment does not work."""

"""The list of deployments, and a deployment's page."""

"""The list and a deployment's page."""

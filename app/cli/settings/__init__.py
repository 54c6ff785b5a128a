"""Commands that create a deployment and change its settings."""

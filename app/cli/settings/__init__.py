"""Commands that make a deployment and change its settings."""

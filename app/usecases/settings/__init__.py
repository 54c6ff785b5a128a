"""Making a deployment and changing its settings."""

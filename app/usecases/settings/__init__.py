"""Creates deployments and changes their settings."""

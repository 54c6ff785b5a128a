"""A deployment's settings: fields, `.env`, Compose file, ports and `openclaw.json`."""

"""All calls to Docker Engine, to Compose and to the gateways' published ports."""

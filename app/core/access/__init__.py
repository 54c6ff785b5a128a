"""Access to a gateway: paired devices, the gateway's page, and the check of the provider's key."""

"""Access to a gateway: paired devices, its page, and the check of its provider's key."""

"""Docker Engine, Compose and the gateways' own ports: every call to them."""

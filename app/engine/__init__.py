"""Docker Engine, Compose and the gateways' own ports: everything that is asked of them."""

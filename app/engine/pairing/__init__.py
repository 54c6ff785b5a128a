"""The devices of gateways: who is paired, who asks to be, and the answers to them."""

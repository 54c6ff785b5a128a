"""The devices of gateways: paired devices, pairing requests, and the answers to requests."""

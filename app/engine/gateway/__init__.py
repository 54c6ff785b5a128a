"""Connections to the gateways themselves: readiness checks, pairing, the provider."""

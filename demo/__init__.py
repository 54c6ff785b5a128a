"""A company's gateways to look at: deployments in every state, on the stand-in gateway."""

"""The demo: a company's deployments in every state, on the stand-in gateway."""

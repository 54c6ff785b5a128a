"""Webhook: when to send a message about a deployment, and what it says."""

"""What happened to deployments: history, timeline, last words, incidents."""

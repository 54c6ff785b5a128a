"""Updates of one deployment, and of several deployments one by one."""

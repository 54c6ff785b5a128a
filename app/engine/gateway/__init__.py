"""What a gateway is asked: whether it is ready, and whether its provider accepts its key."""

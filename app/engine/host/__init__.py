"""What this host says of itself: ports, routes, disks, processes."""

"""Facts of this host: ports, routes, disks, processes."""

"""Character devices: sockets, terminals, and the transports on them."""

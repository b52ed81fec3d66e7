"""Character devices: what a monitor is on, be it a socket, a terminal, or nothing."""

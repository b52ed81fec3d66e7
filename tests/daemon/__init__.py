"""What the daemon does at its doors: command line, sockets, time, MQTT."""

"""Bytes into QMP commands and back: sans-I/O, knows neither sockets nor machines."""

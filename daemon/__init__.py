"""The only place where protocol and machine meet: event loop, sockets, command line, MQTT."""

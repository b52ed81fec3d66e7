"""Objects that users create: TLS credentials, and who is allowed what."""

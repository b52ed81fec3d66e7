"""Objects that users create."""

"""The guest: what runs on the vCPUs, and knows nothing but its platform."""

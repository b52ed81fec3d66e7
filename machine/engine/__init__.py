"""What executes on a vCPU while it is powered on."""

"""What lies in RAM before the guest's first instruction: tables, device tree, image address."""

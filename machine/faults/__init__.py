"""What is made to go otherwise: faults of every layer, said as stages of a scenario."""

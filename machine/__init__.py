"""The hardware, the host kernel, the firmware and the guest: synchronous and deterministic."""

"""The host kernel: KVM's objects on arm64, their order rules and their errnos."""

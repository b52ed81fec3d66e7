"""The human monitor: QEMU's commands and texts, over QMP and at a terminal."""

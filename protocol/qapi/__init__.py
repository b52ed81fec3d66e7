"""The wire structures, one module per module of QEMU's QAPI schema, names as there."""

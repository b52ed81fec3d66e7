"""The firmware's ACPI: tables and AML as bytes, and the devices that ACPI describes."""

"""Tests of the firmware's ACPI."""

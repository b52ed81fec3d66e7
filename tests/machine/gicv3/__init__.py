"""Tests of the GICv3."""

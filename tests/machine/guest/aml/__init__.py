"""Tests of the AML interpreter."""

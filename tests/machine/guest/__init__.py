"""Tests of the guest."""

"""Repeatable measurements, one subject a module; never part of the tests."""

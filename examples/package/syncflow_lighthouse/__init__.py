"""Brings syncflow a source of readings and an adapter."""

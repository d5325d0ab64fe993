"""A mock HubSpot account: objects, batches, search, properties, tokens."""

from .portal import Hubspot

__all__ = ["Hubspot"]

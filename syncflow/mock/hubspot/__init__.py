"""A mock HubSpot account: objects, batches, search, properties, tokens."""

from . import associations, batch, definitions, oauth, objects, search
from .portal import Hubspot

__all__ = ["Hubspot"]

for _part in (batch, search, objects, definitions, associations, oauth):
    Hubspot.routes.table.extend(_part.routes.table)

"""A mock Salesforce org: OAuth, sObject rows, Collections, queries, describe, composite."""

from . import composite, metadata, oauth, query, rows, sobject_collections
from .org import Salesforce

__all__ = ["Salesforce"]

for _part in (sobject_collections, metadata, rows, query, composite, oauth):
    Salesforce.routes.table.extend(_part.routes.table)

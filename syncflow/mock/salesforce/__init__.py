"""A mock Salesforce org: OAuth, sObject rows, Collections, Bulk API 2.0, queries, describe, composite."""

from . import bulk, composite, metadata, oauth, query, rows, sobject_collections
from .org import Salesforce

__all__ = ["Salesforce"]

for _part in (sobject_collections, metadata, rows, query, composite, bulk, oauth):
    Salesforce.routes.table.extend(_part.routes.table)

"""A mock Salesforce org: OAuth, sObject rows, Collections, queries, describe, composite."""

from .org import Salesforce

__all__ = ["Salesforce"]

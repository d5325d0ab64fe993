"""The mock Salesforce and HubSpot: ``uvicorn mock_api:app --port 8000``. Settings come from ``MOCK_…`` variables."""

from syncflow.mock import app

__all__ = ["app"]

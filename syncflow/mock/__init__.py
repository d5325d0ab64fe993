"""Mock Salesforce, HubSpot and Acme Directory behind one server. Stands apart from the engine: nothing here imports it.

``uvicorn mock_api:app`` serves ``app``; from Python, ``serve`` runs it until a signal and ``running_mock`` for a block.
"""

from .server import Running, app, create_app, running_mock, serve
from .settings import Settings
from .state import Mock

__all__ = ["Mock", "Running", "Settings", "app", "create_app", "running_mock", "serve"]

"""Mock Salesforce, HubSpot and Acme Directory behind one server. Stands apart from the engine: nothing here imports it.

``uvicorn mock_api:app`` serves ``app``; from Python, ``serve`` runs it until a signal and ``running_mock`` for a block.
"""

from typing import TYPE_CHECKING

from .server import Running, create_app, running_mock, serve
from .settings import Settings
from .state import Mock

if TYPE_CHECKING:
    from .asgi import app

__all__ = ["Mock", "Running", "Settings", "app", "create_app", "running_mock", "serve"]


def __getattr__(name: str) -> object:
    """Make ``app`` when it is asked for: only then must the environment hold valid settings."""
    if name == "app":
        from .asgi import app  # noqa: PLC0415

        return app
    raise AttributeError(name)

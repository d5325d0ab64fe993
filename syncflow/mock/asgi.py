"""The app for a server that is started from outside; its settings come from the environment."""

import os

from .server import create_app
from .settings import Settings

try:
    app = create_app(Settings.from_env(os.environ))
except ValueError as error:
    raise SystemExit(str(error)) from None

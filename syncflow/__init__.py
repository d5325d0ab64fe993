"""syncflow: record changes reach external systems from YAML alone."""

__version__ = "0.1.0"

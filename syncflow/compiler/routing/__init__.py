"""An accepted event to the routes that take it, as one generated function."""

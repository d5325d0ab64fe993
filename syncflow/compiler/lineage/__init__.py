"""Where values come from and where they go, read off the files of a project: pure, and nothing of a record.

``fields``: which paths of an event each field of a mapping reads. ``datasets``: what sources read and systems hold, as catalogs name it.
``ways``: both put together, one for each way of a route to a system.
"""

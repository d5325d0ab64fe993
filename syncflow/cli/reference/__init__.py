"""The reference: everything that has a name, described from where it is defined.

An *entry* is a key of a file, a function, a diagnostic, a metric, a command or an adapter: its name, one line, and a text in Markdown.
``entries`` collects them, each kind from its own module here; ``syncflow docs NAME`` prints some, and ``pages`` writes all of them as
``docs/reference/``. Nothing is written by hand but the examples of keys (``examples.md``), which tests read as the files they show.
"""

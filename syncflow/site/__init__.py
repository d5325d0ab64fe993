"""A project as a site of plain pages: what is read, how it becomes what is sent, and where each value goes. See ``syncflow docs build``.

In: a checked ``Project``. ``facts`` says what it holds (pure), ``drawing`` lays its routes out as a picture (pure), ``pages`` writes files.
"""

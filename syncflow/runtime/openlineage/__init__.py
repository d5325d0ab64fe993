"""OpenLineage: a catalog is told of each run, by route: what it reads and writes, and which columns become which.

``events`` makes the JSON (pure), ``telling`` posts it beside a run. A job is a route's way to one system; its run is that of syncflow, and
has an id made of the run's name, so that another telling of the same run is known as the same. Counts and names only: no value of a record.
"""

"""The console: a web page of a project, in a run or on its journal alone.

```text
desk        questions and wishes a journal takes (protocol, and its home over ``runtime/desk``)
questions   what was counted → overview, systems, routes, what to do next. Pure
access      token, sessions, cross-site checks, allowed hosts. Pure
guard       every request passes it: host, origin, size, sign-in, headers of every answer
api, pages  the same answers as JSON and as HTML
alert_views  how alerts stand → each cause once, with who was told. Pure
acting      redrive, drop, replay: preview, then confirmation, each noted with who did it
playground  files and an event, tried in a process of its own (``trying``), within bounds
plans       what a run would do, made by a process beside (``planning``), which a person starts and stops
live        one watcher tells all open pages that something changed
app, serving  the application, and its server
```

Personal data is shown of one dead letter, delivery or record that is asked for, and hidden there too until "show" is asked for, which is
logged. Everything on a page comes from the package: no request goes anywhere else.
"""

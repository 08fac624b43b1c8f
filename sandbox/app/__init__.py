"""A small Tinybeans service: real Django, real requests, and the JSON log lines the demo feeds to the collector.

`python -m sandbox.app` creates an in-memory database, plays a scripted family evening against the service and
writes what the service logged to stdout, one JSON record a line.  The lines carry what such an application
really carries (e-mail addresses, tokens, coordinates), because the collector has to prove that it removes them.

Django reads its settings once per process, so modules that define models can be imported only after
`settings.configure`; importing any module creates nothing.
"""

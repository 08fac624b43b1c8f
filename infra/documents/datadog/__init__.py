"""Datadog's own JSON, made from settings and policy. Pure: a request's body as the API documents it."""

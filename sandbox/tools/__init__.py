"""The outside programs that the sandbox and the tests run, at the versions that production runs.

`sandbox.tools.locate.locate("pulumi")` is the one call that others need; `python -m sandbox.tools`
does the same for all of them, with progress.
"""

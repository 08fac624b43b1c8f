"""Which lines of text belong to the line before them: tracebacks as Python prints them."""

_FAULT = r"(?:[A-Za-z_]\w*\.)+[A-Z]\w*|[A-Z]\w*(?:Error|Exception|Warning|Exit|Interrupt|Iteration|Group|Fault)"
"""The type that a traceback ends with: behind its module, or known by its name."""
BETWEEN = r"^(?:During handling of the above exception|The above exception was the direct cause)"
"""What Python prints between two tracebacks of one fault."""
FIRST = "Traceback (most recent call last)"
CONTINUED = rf"^(?:\s|{BETWEEN[1:]}|(?:{_FAULT})(?::|$)|(?:DETAIL|HINT|CONTEXT|QUERY):)"
"""A line that carries on: indented, between two tracebacks, the fault itself, or what PostgreSQL adds to it."""

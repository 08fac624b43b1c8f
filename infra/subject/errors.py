"""What stops a request: nothing of it is left behind, and the message says what it takes."""


class SubjectError(Exception):
    """A request that could not be carried out, with the next step."""

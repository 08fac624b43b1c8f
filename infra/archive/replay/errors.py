"""Why a replay stops before its end."""


class ReplayStoppedError(Exception):
    """The replay cannot go on; what it has sent so far is noted, and the same command carries on from there."""

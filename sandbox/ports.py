"""Free ports on the loopback interface."""

import random
import socket
from contextlib import ExitStack

BELOW_EPHEMERAL = range(20_000, 32_000)
"""Ports that no outgoing connection is given by itself (Linux takes 32768 to 60999, ip(7), ip_local_port_range), and so
none takes one between its choice here and its use."""
TRIES = 200


def free_ports(count: int) -> list[int]:
    """Return `count` different TCP ports of 127.0.0.1 that were free a moment ago."""
    chosen: list[int] = []
    with ExitStack() as stack:
        for port in random.SystemRandom().sample(BELOW_EPHEMERAL, count + TRIES):
            held = stack.enter_context(socket.socket())
            try:
                held.bind(("127.0.0.1", port))
            except OSError:
                continue
            chosen.append(port)
            if len(chosen) == count:
                return chosen
    raise OSError(f"no {count} free ports among {BELOW_EPHEMERAL.start} to {BELOW_EPHEMERAL.stop - 1}")

"""The child process that is moto: started by moto_server.py, never imported.

It binds a free port itself and reports it (choosing the port in the parent would be a race), and it lives
exactly as long as its standard input is open: however the parent ends, SIGKILL included, the kernel closes
that pipe and moto ends with it. Unlike PR_SET_PDEATHSIG this holds on macOS too, and does not
depend on which thread of the parent started the child.
"""

from __future__ import annotations

import json
import logging
import os
import sys

from moto.server import ThreadedMotoServer


def main() -> None:
    """Serve moto on a free port of 127.0.0.1 until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # one line a request would only fill the disk
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    print(json.dumps({"port": port}), flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # moto keeps nothing worth an orderly end, and its request threads could delay one


if __name__ == "__main__":
    main()

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
import threading
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

CHECKSUM, ALGORITHM = "HTTP_X_AMZ_CHECKSUM_", "HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM"


class ChecksumsNamed(DomainDispatcherApplication):
    """moto, told the algorithm of each checksum that it is given.

    A bucket with a default lock takes only objects with Content-MD5 or a checksum. S3 counts any `x-amz-checksum-*`
    header as one (User Guide, "Managing Object Lock", uploads); moto 5.2 looks for the algorithm's own header, which
    the Go SDK, and so the collector's exporter, does not send beside it.
    """

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request."""
        given = [name.removeprefix(CHECKSUM) for name in environ if name.startswith(CHECKSUM)]
        if given and ALGORITHM not in environ:
            environ[ALGORITHM] = given[0]
        return super().__call__(environ, start_response)


def main() -> None:
    """Serve moto on a free port of 127.0.0.1 until standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # one line a request would only fill the disk
    app = ChecksumsNamed(create_backend_app)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_port}), flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # moto keeps nothing worth an orderly end, and its request threads could delay one


if __name__ == "__main__":
    main()

"""`python -m sandbox.perf.watched FILE ARGUMENTS`: a command on archives as it is started, which notes what it took in FILE."""

import json
import sys
import time
from pathlib import Path

from infra.archive.__main__ import app
from sandbox.peak import peak_bytes

if __name__ == "__main__":
    note, sys.argv = Path(sys.argv[1]), ["archive", *sys.argv[2:]]
    begun = time.process_time()
    try:
        app()
    finally:
        taken = {"start_seconds": begun, "seconds": time.process_time() - begun, "peak_bytes": peak_bytes()}
        note.write_text(json.dumps(taken))

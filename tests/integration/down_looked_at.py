# SPDX-License-Identifier: LGPL-2.1-or-later
"""Takes a namespace down the moment it has come up, while rounds of others still look at it: it has to go.
Over one connection, for a client that starts comes too late."""
import os
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [f"{TESTS}/lib", f"{TESTS}/sweep"]
import harness as h  # noqa: E402
from scenarios import LAB  # noqa: E402

daemon = h.Daemon()
with open(f"{h.CONFIG}/netnsd.conf", "w", encoding="utf-8") as f:
    f.write("[Manager]\nWorkers=1\n")
h.write_files({})
daemon.start()
if not daemon.wait_ready():
    sys.exit("the daemon does not start")
for turn in range(60):
    for files, method, parameters in ((LAB, "Manager.Apply", {}), (LAB, "Namespace.Down", {"name": "red"})):
        h.write_files(files)
        reply = daemon.call(method, **parameters)
        if "error" in reply:
            sys.exit(f"{method}: {reply}")
    if not h.wait_until(lambda: daemon.list()["red"]["state"] != "removing", 15):
        sys.exit(f"turn {turn}: red never goes; descriptors: {daemon.descriptors()}")
    h.write_files({})
    daemon.call("Manager.Apply")
if daemon.stop() != 0:
    sys.exit(daemon.log())

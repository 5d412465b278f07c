#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The systemd end of sd_notify for one daemon.

notify.py SOCKET LOG: binds SOCKET, prints "listening", reads the daemon's pid from its standard
input, prints "ready" at the first READY=1 and "died" when the process ends; every datagram goes to
LOG, one assignment a line. Ends when the process ends. With $FDSTORE in the environment what is of the
descriptor store goes on to that socket (fdstore.py), with its descriptors.
"""
import os
import select
import socket
import sys


def to_store(store, data, fds):
    """Also without one descriptors are closed: they are duplicates."""
    if store and any(line.startswith(b"FDSTORE") for line in data.split(b"\n")):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.connect(store)
            socket.send_fds(out, [data], fds)
    for fd in fds:
        os.close(fd)


def main():
    path, log_path = sys.argv[1:3]
    if os.path.exists(path):
        os.unlink(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    sock.bind(path)
    print("listening", flush=True)

    try:
        pidfd = os.pidfd_open(int(sys.stdin.readline()))
    except (ProcessLookupError, ValueError):
        print("died", flush=True)
        return
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    poll.register(pidfd, select.POLLIN)
    ready = False
    with open(log_path, "a", encoding="utf-8", errors="replace") as log:
        while True:
            events = dict(poll.poll())
            if sock.fileno() in events:
                data, fds, _, _ = socket.recv_fds(sock, 65536, 16)
                to_store(os.environ.get("FDSTORE"), data, fds)
                text = data.decode("utf-8", "replace")
                log.write(text.rstrip("\n") + "\n")
                log.flush()
                if not ready and "READY=1" in text.split("\n"):
                    ready = True
                    print("ready", flush=True)
            elif pidfd in events:
                print("died", flush=True)
                return


try:
    main()
except BrokenPipeError:
    pass

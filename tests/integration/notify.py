#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The systemd end of sd_notify for one daemon.

notify.py SOCKET LOG: binds SOCKET, prints "listening", reads the daemon's pid from its standard
input, prints "ready" at the first READY=1 and "died" when the process ends; every datagram goes to
LOG, one assignment a line. Ends when the process ends.
"""
import os
import select
import socket
import sys


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
                text = sock.recv(65536).decode("utf-8", "replace")
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

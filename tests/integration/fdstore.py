#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""systemd's file descriptor store, as far as a service sees it.

fdstore.py serve SOCKET CONTROL: keeps what comes to SOCKET (by notify.py) as FDSTORE=1 with FDNAME= and
    descriptors, forgets what FDSTOREREMOVE=1 says. As systemd (252): one that is there already is not kept
    twice; one without FDPOLL=0 is dropped when it hangs up; beyond MAX they are refused. Prints "serving".
fdstore.py list CONTROL: the names of what is kept, sorted, a name twice if two have it.
fdstore.py exec CONTROL COMMAND...: becomes the command, with all that is kept as 3, 4 ... and LISTEN_FDS,
    LISTEN_FDNAMES, LISTEN_PID; the store keeps them as well.
"""
import os
import select
import socket
import sys

MAX = 512


class Store:
    def __init__(self):
        self.kept = []  # (name, descriptor)
        self.poll = select.poll()

    @staticmethod
    def identity(fd):
        st = os.fstat(fd)
        return st.st_dev, st.st_ino

    def add(self, name, fd, polled):
        if len(self.kept) >= MAX or any(self.identity(fd) == self.identity(other) for _, other in self.kept):
            os.close(fd)
            return
        self.kept.append((name, fd))
        if polled:
            self.poll.register(fd, 0)

    def drop(self, which):
        for name, fd in [entry for entry in self.kept if which(entry)]:
            try:
                self.poll.unregister(fd)
            except KeyError:
                pass
            os.close(fd)
            self.kept.remove((name, fd))

    def take(self, sock):
        data, fds, _, _ = socket.recv_fds(sock, 65536, 16)
        said = dict(line.split("=", 1) for line in data.decode().split("\n") if "=" in line)
        name = said.get("FDNAME", "stored")
        if said.get("FDSTOREREMOVE") == "1":
            self.drop(lambda entry: entry[0] == name)
        for fd in fds:
            if said.get("FDSTORE") == "1":
                self.add(name, fd, said.get("FDPOLL") != "0")
            else:
                os.close(fd)

    def answer(self, control):
        connection, _ = control.accept()
        with connection:
            names = ":".join(name for name, _ in self.kept)
            # At most 253 a message; the tests have few.
            socket.send_fds(connection, [b"%d " % len(self.kept) + names.encode()], [fd for _, fd in self.kept][:250])


def serve(path, control_path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for each, where in (sock, path), (control, control_path):
        if os.path.exists(where):
            os.unlink(where)
        each.bind(where)
    control.listen(8)
    store = Store()
    store.poll.register(sock, select.POLLIN)
    store.poll.register(control, select.POLLIN)
    print("serving", flush=True)
    while True:
        for fd, events in store.poll.poll():
            if fd == sock.fileno():
                store.take(sock)
            elif fd == control.fileno():
                store.answer(control)
            elif events & (select.POLLHUP | select.POLLERR):
                store.drop(lambda entry, gone=fd: entry[1] == gone)


def ask(control):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(control)
        data, fds, _, _ = socket.recv_fds(sock, 65536, 250)
    _, names = data.decode().split(" ", 1)
    return names.split(":") if names else [], fds


def become(control, argv):
    names, fds = ask(control)
    # First out of the way, then to their places.
    high = [os.dup2(fd, 1000 + i) for i, fd in enumerate(fds)]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i, inheritable=True)
    os.closerange(3 + len(fds), 3000)
    if fds:
        os.environ.update(LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=":".join(names), LISTEN_PID=str(os.getpid()))
    os.execvp(argv[0], argv)


if sys.argv[1] == "serve":
    serve(*sys.argv[2:4])
elif sys.argv[1] == "list":
    print("\n".join(sorted(ask(sys.argv[2])[0])))
else:
    become(sys.argv[2], sys.argv[3:])

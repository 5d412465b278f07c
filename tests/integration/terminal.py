#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A terminal for tests: what a program writes to it, and what somebody types.

terminal.py COMMAND...: runs it on a terminal of 80 columns (COLUMNS= has another number) at which nobody
types, writes what it has written, and exits as it does.
"""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

SECONDS = 30


class Terminal:
    def __init__(self, command, rows=24, columns=80, echo=True):
        self.master, slave = pty.openpty()
        self.seen = b""
        self.resize(rows, columns)
        if not echo:
            attributes = termios.tcgetattr(slave)
            attributes[3] &= ~termios.ECHO
            termios.tcsetattr(slave, termios.TCSANOW, attributes)
        self.attributes = termios.tcgetattr(slave)
        self.slave = slave
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for fd in range(3):
                os.dup2(slave, fd)
            os.execvp(command[0], command)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        os.write(self.master, text.encode())

    def read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.seen += data
        return bool(data)

    def expect(self, pattern):
        """Waits for it, and forgets what came before its end."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(pattern.encode(), self.seen)):
            left = deadline - time.monotonic()
            if left <= 0 or not self.read(left):
                if self.ended():
                    sys.exit(f"it ended before {pattern!r} came: {self.seen!r}")
                if left <= 0:
                    sys.exit(f"expected {pattern!r}, got {self.seen!r}")
        self.seen = self.seen[found.end():]
        return found

    def ended(self):
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def is_restored(self):
        return termios.tcgetattr(self.slave) == self.attributes

    def wait(self):
        """Until it has ended; its exit status, negative for a signal."""
        deadline = time.monotonic() + SECONDS
        while not self.ended():
            self.read(0.05)
            if time.monotonic() > deadline:
                sys.exit(f"it does not end: {self.seen!r}")
        while self.read(0):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


if __name__ == "__main__":
    TERMINAL = Terminal(sys.argv[1:], columns=int(os.environ.get("COLUMNS", "80")), echo=False)
    STATUS = TERMINAL.wait()
    sys.stdout.buffer.write(TERMINAL.seen)
    sys.exit(STATUS)

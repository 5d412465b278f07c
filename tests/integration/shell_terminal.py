#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part of ctl-shell.sh at a terminal: job control, size, the terminal afterwards, and that it is not
the caller's that the container has."""
import os
import signal
import sys

from terminal import Terminal

CTL = os.environ["NETNSCTL"]


def check(what, actual, expected):
    if actual != expected:
        sys.exit(f"{what}: expected {expected!r}, got {actual!r}")


def ended(terminal, status):
    check("exit status", terminal.wait(), status)
    check("the terminal is as it was", terminal.is_restored(), True)


def shell():
    terminal = Terminal([CTL, "shell", "web"])
    terminal.send("PS1=; echo in-$((6*7))-$(hostname)\n")
    terminal.expect("in-42-inside\r\n")
    return terminal


def session():
    t = shell()
    t.send("tty; echo $TERM-$-\n")
    t.expect("/dev/pts/0\r\n")
    t.expect(f"{os.environ['TERM']}-[a-zA-Z]*i")
    t.send("stty size\n")
    t.expect("24 80\r\n")
    t.resize(40, 100)
    t.send("while [ \"$(stty size)\" != '40 100' ]; do sleep 0.1; done; echo resi''zed\n")
    t.expect("resized")
    t.send("python3 -c 'import os; print(\"device\", os.fstat(0).st_dev)'\n")
    device = int(t.expect("device ([0-9]+)").group(1))
    if device == os.fstat(t.slave).st_dev:
        sys.exit("the container has the caller's terminal")
    foreground = "sh -c \"echo star''ted; exec sleep 1000\""  # has the terminal when it says so
    t.send(foreground + "\n")
    t.expect("started")
    t.send("\x03")
    t.send("echo aft''er-$?\n")
    t.expect("after-130")
    t.send(foreground + "\n")
    t.expect("started")
    t.send("\x1a")
    t.expect("Stopped")
    t.send("kill -9 %1\n")
    t.expect("Killed")
    t.send("exit 7\n")
    ended(t, 7)


def end_of_input():
    t = shell()
    t.send("PS1='rea''dy '\n")
    t.expect("ready ")  # from now on the shell itself reads the keys
    t.send("\x04")
    ended(t, 0)


def commands():
    t = Terminal([CTL, "shell", "web", "sh", "-c", "echo one; printf two; exit 9"])
    ended(t, 9)
    check("all output", t.seen, b"one\r\ntwo")
    t = Terminal([CTL, "shell", "web", "sh", "-c", "seq 100000; sleep 1000 & exit 0"])
    ended(t, 0)  # what stays in the background is not waited for
    check("all output", t.seen.count(b"\n"), 100000)
    t = Terminal([CTL, "shell", "web", "/no/such"])
    ended(t, 127)


def signals():
    t = shell()
    os.kill(t.pid, signal.SIGTERM)
    ended(t, 128 + signal.SIGTERM)
    t = shell()
    os.close(t.slave)
    os.close(t.master)  # the window is closed
    check("exit status", os.waitstatus_to_exitcode(os.waitpid(t.pid, 0)[1]), 128 + signal.SIGHUP)


os.environ["TERM"] = "vt100"
for part in (session, end_of_input, commands, signals):
    part()

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What becomes of a line when Tab is pressed: shell_completion.py bash|zsh|fish FILE DIRECTORY.

The shell runs on a terminal with the completions in FILE. Each line of standard input is typed there, with Tab where it
has a "^", and Enter at its end; the program "netnsctl" of DIRECTORY, which is the first of PATH, writes the words that it
was started with to DIRECTORY/words. Prints them, a line for each.
"""
import os
import sys
import time

from terminal import SECONDS, Terminal

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "bind 'set bell-style none'; . {file}"),
    "zsh": (["zsh", "-f", "-i"], "fpath=({folder} $fpath); autoload -U compinit; compinit -u -D"),
    "fish": (["fish", "--no-config", "-i"], "source {file}"),
}


def words_of(path, terminal):
    deadline = time.monotonic() + SECONDS
    while not os.path.exists(path):
        terminal.read(0.05)
        if time.monotonic() > deadline:
            sys.exit(f"nothing was run; the terminal shows {terminal.seen[-600:]!r}")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    os.unlink(path)
    return text


def main():
    shell, file, directory = sys.argv[1:]
    command, setup = SHELLS[shell]
    os.environ.update(PATH=directory + ":" + os.environ["PATH"], TERM="xterm", LC_ALL="C.UTF-8", HISTFILE="")
    terminal = Terminal(command)
    path = directory + "/words"
    terminal.send(setup.format(file=file, folder=os.path.dirname(file)) + "; netnsctl ready\r")
    words_of(path, terminal)
    for line in sys.stdin:
        terminal.send(line.rstrip("\n").replace("^", "\t") + "\r")
        print(words_of(path, terminal))
    terminal.send("exit\r")
    terminal.wait()


main()

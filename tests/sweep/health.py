# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sweep of HealthCmd=: each call of the process that enters the container, from its fork in the daemon to the fork
of the command, over both execs. After each:

  * the command has run as ever, with no more privileges than before, or not at all, which somebody is told;
  * the container is the one it was, the next check finds it well, and nothing of the check is left;
  * what could not be asked is not held against the container.
"""
import collections
import os
import re
import signal
import sys

import containers as c  # and where the rest is found
import harness as h
import machines as m
import sweep

RECORD = f"{m.SHARED}/one/health"
CHECK = 'Service.HealthCmd=/bin/sh -c "cat /proc/self/status >>/shared/health"'
CHECKED = c.files([CHECK, "Service.HealthIntervalSec=400ms", "Service.HealthRetries=1", "Service.HealthAction=report",
                 "Container.AutoStart=yes"])
HELPER = sorted(set(c.SWEPT["child"]) | {
    "memfd_create", "sendfile", "fchmod", "newfstatat", "write", "setns", "fchdir", "chroot", "setgroups", "setresgid",
    "setresuid", "prctl", "capget", "capset", "pidfd_open", "clone", "clone3", "vfork"})
PRIVILEGES = re.compile(r"^((?:Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp):.*)$", re.M)


class HealthSweep(c.ContainerSweep):
    scenarios = {"c-health": c.Scenario((CHECKED, {"one": c.RUN}), "CHECK", (CHECKED, {"one": c.RUN}), ())}
    swept = dict(c.SWEPT, helper=HELPER)
    begins, execute = re.compile("memfd_create|O_PATH"), {"helper"}

    def health(self):
        one = self.containers().get("one", {})
        return one.get("health"), one.get("healthText", "")

    def go_to_base(self, scenario):
        super().go_to_base(scenario)
        if not h.wait_until(lambda: self.health()[0] == "healthy", 10):
            raise h.Trouble(f"its health is {self.health()}")

    def check(self, arguments, output="/dev/null"):
        """One, traced. What its commands have written down, and what the daemon says of it."""
        with h.Fork(self.daemon.pid) as fork:
            if os.path.exists(RECORD):
                os.unlink(RECORD)
            child = fork.child()
        tracer = h.Tracer([child], arguments, output=output)
        try:
            os.kill(child, signal.SIGCONT)
            if not h.wait_until(lambda: not os.path.exists(f"/proc/{child}")):
                raise h.Trouble("the check does not end")
        finally:
            tracer.detach()
        try:
            with open(RECORD, encoding="utf-8") as f:
                ran = f.read()
        except FileNotFoundError:
            ran = ""
        return {tuple(PRIVILEGES.findall(text)) for text in re.split("(?m)^(?=Name:)", ran) if text}

    def learn(self, name):
        s, trace = self.scenarios[name], f"{h.WORK}/trace"
        self.go_to_base(s)
        self.look()
        self.held[name] = collections.Counter(self.descriptors())
        self.privileges = self.check(sweep.TRACE, trace)
        if len(self.privileges) != 1:
            raise h.Trouble(f"the command ran with {self.privileges}")
        self.expected[name] = h.without_indexes(h.view())
        return self.calls_in(trace, 0, name, True, "helper")

    def running_point(self, point):
        name, error = point[0], point[3]
        s = self.scenarios[name]
        self.go_to_base(s)
        self.base = None
        self.daemon.forget_log()
        ran = self.check(self.arguments(*point))
        if not ran <= self.privileges:
            more = {line for one in ran for line in one} - {line for one in self.privileges for line in one}
            raise h.Trouble(f"the command ran with other privileges: {sorted(more)}")
        if not ran and not h.wait_until(lambda: "one.container: un" in self.daemon.log(), 5):
            raise h.Trouble("nobody is told of a check that did not run")
        if not ran and error != "KILL" and "one.container: unhealthy" in self.daemon.log():
            raise h.Trouble("it is held against the container: " + self.daemon.log())
        self.go_to_base(s)
        self.expect(s.goal, s.files, "after the fault")
        self.undisturbed("after the fault")
        self.at_rest(name)
        self.lost_nothing(name)


if __name__ == "__main__":
    sys.exit(sweep.main(HealthSweep))

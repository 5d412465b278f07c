# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sweep of what is done with containers: points as sweep.py has them. After each:

  * the container that is not concerned has the PID 1 it had, by its start time, whatever failed;
  * the one that is concerned is in the state that was asked for, or in the one before where somebody was
    told, and gets there by the same request without the fault;
  * a daemon that starts after a kill goes on with what runs, and ends what was begun;
  * netnsd says of each what the kernel says: one nspawn and one init, or none;
  * nothing is left of what does not run: process, cgroup, mount, tree, record, socket, lock, descriptor.

Besides the threads of sweep.py a point may be of "child", the process that is to become nspawn, from its fork to its
exec: then the daemon serves on, and the start fails with a sentence that has the kernel's own words, or is tried again.
"""
import collections
import errno
import json
import os
import re
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import harness as h  # noqa: E402
import machines as m  # noqa: E402
import sweep  # noqa: E402
from scenarios import REEXEC  # noqa: E402

LASTING = 1.5  # seconds a fault that lasts does so at most
IN_BETWEEN = {"start-pre", "start", "stop-sigterm", "stop-sigkill", "stop-post", "auto-restart"}

SWEPT = {
    "worker": sorted(set(sweep.CALLS["worker"]) | {
        "openat2", "fsopen", "fsconfig", "fsmount", "mount_setattr", "mknodat", "symlinkat", "linkat", "fchownat",
        "fchmodat", "readlink", "readlinkat", "copy_file_range", "sendfile", "ftruncate", "utimensat", "fsetxattr",
        "flistxattr", "fgetxattr", "ioctl"}),
    "loop": sorted(set(sweep.CALLS["loop"]) | {
        "socket", "socketpair", "pidfd_open", "pidfd_send_signal", "clone", "waitid", "unlinkat", "mkdirat", "statfs",
        "fstatfs", "readlink", "setsockopt", "bpf", "kill", "ftruncate", "epoll_create1", "mount", "umount2", "dup3"}),
}
# Of the child: what can fail. It sets signals as well, and its umask, which changes nothing outside.
SWEPT["child"] = ["rt_sigprocmask", "setsid", "chdir", "openat", "fcntl", "dup2", "dup3", "close_range", "prlimit64", "read",
                  "socket", "setsockopt", "connect", "sendto", "shutdown", "close", "execve"]
BY_PATH = {
    "write": re.compile(r"^/((proc/sys/net|etc/netns|run/netnsd|sys/fs/cgroup)/|memfd:)"),
    # Not what has a number in its name, which is another one each time.
    "read": re.compile(r"^/(proc/self|etc|run|usr|tmp|sys/fs/cgroup)/"),
}

WORDS = "log /shared/log lock /shared/lock ready sleep"
STILL = m.text("still", WORDS, ["Exec.NotifyReady=yes", "Container.AutoStart=yes"])
ONE = ["Exec.NotifyReady=yes", "Service.TimeoutStartSec=5", "Service.TimeoutStopSec=3", "Service.StartLimitIntervalSec=0",
       "Service.RestartSec=50ms", "Exec.Ephemeral=yes", "Service.SetCredential=word:secret", "Service.TasksMax=100",
       "Service.LoadCredential=file:/run/sandbox/credential"]
KEPT = ["Container.AutoStart=yes", "Service.Restart=on-failure"]
NETNS = """[Namespace]
DNS=10.40.0.1
[Veth eth0]
PeerName=ns-one
MACAddress=02:00:00:00:07:02
PeerMACAddress=02:00:00:00:07:01
Address=10.40.0.2/24
"""


def files(one=(), words=WORDS, **more):
    found = {"still.netns": "[Namespace]\n", "still.container": STILL}
    if one is not None:
        found.update({"one.netns": NETNS, "one.container": m.text("one", words, ONE + list(one))})
    found.update({name.replace("_", "."): text for name, text in more.items()})
    return found


class Scenario:
    """From `base`, files and the states of containers (left out: they are not declared), by a request to `goal`.
    `concerned`: those whose PID 1 may be another one afterwards; of the others it may not. `child`: the faults are
    in the process that is to become nspawn, from its fork to its exec. `journal`: systemd-journald runs."""

    def __init__(self, base, request, goal, concerned=("one",), child=False, journal=False):
        self.base, self.states = base
        self.files, self.goal = goal
        self.request, self.concerned, self.restart, self.child = request, concerned, "goal", child
        self.journal = journal


RUN, DEAD = "running", "dead"
MATE = m.text("mate", WORDS, ["Exec.NotifyReady=yes", "Container.Namespace=one", "Container.AutoStart=yes",
              "Service.After=one", "Service.Requires=one", "Service.StartLimitIntervalSec=0",
              "Service.TimeoutStopSec=3"])
PLAIN = files()
STAYS = files(KEPT)
SHARED = files(KEPT, mate_container=MATE)
NEW = dict(files(KEPT + ["Service.SetCredential=more:secret"]),
           **{"new.netns": "[Namespace]\n", "new.container": m.text("new", WORDS, ["Container.AutoStart=yes", *ONE])})
OLD = dict(STAYS, **{"old.netns": "[Namespace]\n", "old.container": m.text("old", WORDS, ["Container.AutoStart=yes", *ONE])})

SCENARIOS = {
    "c-start": Scenario((PLAIN, {"one": DEAD}), ("Container.Start", {"name": "one"}), (PLAIN, {"one": RUN})),
    "c-stop": Scenario((PLAIN, {"one": RUN}), ("Container.Stop", {"name": "one"}), (PLAIN, {"one": DEAD})),
    "c-restart": Scenario((STAYS, {"one": RUN}), ("Container.Restart", {"name": "one"}), (STAYS, {"one": RUN})),
    # What is inside does it.
    "c-reboot": Scenario((STAYS, {"one": RUN}), "REBOOT", (STAYS, {"one": RUN})),
    # One goes, one comes, one has other settings.
    "c-reload": Scenario((OLD, {"one": RUN, "old": RUN}), ("Manager.Apply", {"restart": True}),
                         (NEW, {"one": RUN, "new": RUN}), ("one", "old", "new")),
    # The start of a daemon that finds them running.
    "c-daemon": Scenario((SHARED, {"one": RUN, "mate": RUN}), None, (SHARED, {"one": RUN, "mate": RUN}), ()),
    "c-down": Scenario((SHARED, {"one": RUN, "mate": RUN}), ("Namespace.Down", {"name": "one"}),
                       (SHARED, {"one": DEAD, "mate": DEAD}), ("one", "mate")),
    "c-up": Scenario((SHARED, {"one": DEAD, "mate": DEAD}), ("Namespace.Up", {"name": "one"}),
                     (SHARED, {"one": RUN, "mate": RUN}), ("one", "mate")),
    # Another program in the daemon's place.
    "c-reexec": Scenario((SHARED, {"one": RUN, "mate": RUN}), REEXEC, (SHARED, {"one": RUN, "mate": RUN}), ()),
    # Without Restart=, which fails, and with it.
    "c-child": Scenario((PLAIN, {"one": DEAD}), ("Container.Start", {"name": "one"}), (PLAIN, {"one": RUN}), child=True),
    "c-child-again": Scenario((STAYS, {"one": DEAD}), ("Container.Start", {"name": "one"}), (STAYS, {"one": RUN}),
                              child=True),
    # Its output is a stream of the journal's, if it can have one.
    "c-child-journal": Scenario((PLAIN, {"one": DEAD}), ("Container.Start", {"name": "one"}), (PLAIN, {"one": RUN}),
                                child=True, journal=True),
}


class Follower:
    """Who is told of changes. A program that takes over tells all again, and then that it is "ready"."""

    def __init__(self):
        self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.connection.connect("/run/netnsd/io.netnsd")
        self.connection.sendall(b'{"method":"io.netnsd.Manager.Subscribe","more":true}\0')
        self.connection.setblocking(False)
        self.text, self.over = b"", False

    def heard_ready(self):
        """Since forget(); or an error, or it was cut off, which tells enough."""
        try:
            while not self.over:
                data = self.connection.recv(65536)
                self.text += data
                self.over = not data or b'"error"' in self.text
        except BlockingIOError:
            pass
        except OSError:
            self.over = True
        return self.over or b'"ready"' in self.text

    def forget(self):
        self.heard_ready()
        self.text = b""


class Journal:
    """systemd-journald, while it is wanted. Where there is none, its scenario has fewer calls."""
    PROGRAM, SOCKETS = "/usr/lib/systemd/systemd-journald", "/run/systemd/journal"

    def __init__(self):
        self.process = None

    def want(self, wanted):
        if wanted and not self.process and os.path.exists(self.PROGRAM):
            os.makedirs(self.SOCKETS, exist_ok=True)
            self.process = h.subprocess.Popen([self.PROGRAM], env=dict(os.environ, SYSTEMD_LOG_TARGET="null"))
            if not h.wait_until(lambda: os.path.exists(f"{self.SOCKETS}/stdout"), 10):
                raise SystemExit("systemd-journald does not run here")
        if not wanted and self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None
            h.subprocess.run(["rm", "-rf", self.SOCKETS], check=True)


class ContainerSweep(sweep.Sweep):
    scenarios, swept, by_path = SCENARIOS, SWEPT, BY_PATH
    write_files = staticmethod(m.write_files)

    def __init__(self):
        super().__init__()
        for name in ("still", "one", "mate", "old", "new"):
            m.make_root(name)
        m.write_file("/run/sandbox/credential", "secret")
        self.held = {}
        self.others = {}  # who is not concerned: which machine each is
        self.follower = None
        self.journal = Journal()

    # --- what there is ---

    def containers(self):
        """{name: runtime}, as netnsd says."""
        try:
            return self.daemon.list_containers()
        except h.Gone:  # a connection that was cut off while it could not be answered
            if self.daemon.has_ended():
                raise
            return self.daemon.list_containers()

    def settled(self, limit=h.LIMIT):
        """{name: state} when nothing is on its way any more."""
        def at_rest():
            now = self.containers()
            return now if not any(r["state"] in IN_BETWEEN for r in now.values()) else None
        now = h.wait_until(at_rest, limit)
        if not now:
            raise h.Trouble("never comes to rest: " + "; ".join(
                f"{n} {r['state']} ({r.get('reason')})" for n, r in self.containers().items() if r["state"] in IN_BETWEEN))
        return {name: r["state"] for name, r in now.items()}

    def differs_from_kernel(self, declared):
        """Where netnsd and the kernel do not agree, and what is left."""
        told, real = self.containers(), m.machines()
        found = [f"{n} is not declared, but {r['state']}" for n, r in told.items() if n not in declared]
        found += [f"{n} is declared, and not known" for n in declared if n not in told]
        for name in sorted(set(told) | set(real)):
            mine, state = real.get(name, []), told.get(name, {}).get("state")
            if len(mine) != (1 if state == RUN else 0):
                found.append(f"{name} is {state}, the kernel has {mine}")
            elif state == RUN and (told[name].get("pid"), told[name].get("leader")) != (mine[0].nspawn, mine[0].leader):
                found.append(f"{name} has {mine[0]}, netnsd says {told[name]}")
        found += [f"{len(pids)} inits on one root: {pids}" for pids in m.inits().values() if len(pids) > 1]
        found += [f"{p.pid} is a zombie" for p in m.processes().values() if p.parent == self.daemon.pid and p.state == "Z"]
        running = [n for n, r in told.items() if r["state"] == RUN]
        return found + m.remains(running, declared, [self.daemon.pid])

    def agree(self, declared, when):
        if not h.wait_until(lambda: not self.differs_from_kernel(declared), 10):
            raise h.Trouble(f"{when}: " + "; ".join(self.differs_from_kernel(declared)))
        for name in m.names_in(m.SHARED):
            try:
                with open(f"{m.SHARED}/{name}/log", encoding="utf-8") as f:
                    if "locked already" in f.read():
                        raise h.Trouble(f"{when}: two of {name} ran at once")
            except FileNotFoundError:
                pass

    def identities(self):
        return {name: (mine[0].leader, mine[0].started) for name, mine in m.machines().items()}

    def undisturbed(self, when):
        now = self.identities()
        for name, was in self.others.items():
            if now.get(name) != was:
                raise h.Trouble(f"{when}: {name} is another one, {now.get(name)}, was {was}")

    # --- states ---

    def request(self, what, limit=20):
        if what == "REBOOT":
            before = m.machines().get("one", [])
            if not before or not before[0].leader:
                return {"error": "does not run"}
            os.kill(before[0].leader, signal.SIGUSR1)
            if not h.wait_until(lambda: self.daemon.has_ended() or self.rebooted(before[0]), limit):
                return {"error": "not rebooted", "parameters": self.containers()}
            if self.daemon.has_ended():
                raise sweep.Ended(self.daemon.collect())
            return {}
        return super().request(what)

    def rebooted(self, before):
        now = m.machines().get("one", [])
        try:
            return now and now[0].payload and now[0].started != before.started and \
                self.containers().get("one", {}).get("state") == RUN
        except (h.Gone, h.Told):
            return False

    def start_clean(self):
        self.journal.want(False)  # the daemon writes its log to one that it finds
        m.write_files({})
        super().start_clean()

    def empty(self):
        self.base = None
        self.journal.want(False)
        m.write_files({})
        self.must(("Manager.Apply", {}))
        self.agree((), "all files gone")
        if not h.wait_until(lambda: not h.leftovers()):
            raise h.Trouble("left behind: " + "; ".join(h.leftovers()))

    def go_to_base(self, scenario):
        if self.base is scenario:
            return
        self.journal.want(scenario.journal)
        m.write_files(scenario.base)
        for name in ("still", "one", "mate", "old", "new"):
            if name != "still" and os.path.exists(f"{m.SHARED}/{name}/log"):
                os.truncate(f"{m.SHARED}/{name}/log", 0)
        self.must(("Manager.Apply", {}))
        for name, state in scenario.states.items():
            self.must(("Container.ResetFailed", {"name": name}))
            if state == DEAD and scenario.request[0] != "Namespace.Up":
                self.must(("Container.Stop", {"name": name}))
        if scenario.request and scenario.request[0] in ("Namespace.Up", "Namespace.Down"):
            self.must(("Namespace.Up", {"name": "one"}))
        for name in [n for n, state in scenario.states.items() if state == RUN or scenario.request[0] == "Namespace.Up"]:
            self.must(("Container.Start", {"name": name}))
        self.must(("Container.Start", {"name": "still"}))
        self.settled()
        if scenario.request and scenario.request[0] == "Namespace.Up":
            self.must(("Namespace.Down", {"name": "one"}))
        self.expect(scenario.states, scenario.base, "without a fault")
        self.others = {n: i for n, i in self.identities().items() if n not in scenario.concerned}
        self.base = scenario

    @staticmethod
    def declared(of):
        return [name[:-len(".container")] for name in of if name.endswith(".container")]

    def expect(self, states, of, when):
        now = self.settled()
        wrong = {n: now.get(n) for n, s in dict(states, still=RUN).items() if now.get(n) != s}
        if wrong:
            raise h.Trouble(f"{when}: expected {states}, is {wrong}; " + "; ".join(
                f"{n}: {r.get('reason')}" for n, r in self.containers().items() if n in wrong))
        self.agree(self.declared(of), when)

    def wreck(self):
        self.daemon.kill()
        for name in m.names_in(m.CGROUPS):
            path = f"{m.CGROUPS}/{name}"
            if os.path.isdir(path):
                with open(f"{path}/cgroup.kill", "w", encoding="ascii") as f:
                    f.write("1")
                h.wait_until(lambda: not m.cgroup_pids(name))
                h.subprocess.run(["find", path, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"], check=False)
        for mine in m.machines().values():
            for one in mine:
                for pid in (one.nspawn, one.leader):
                    if pid:
                        os.kill(pid, signal.SIGKILL)
        h.wait_until(lambda: not m.machines())
        for path in reversed(m.mounts()):
            if path.startswith(("/run/netnsd/", "/run/systemd/")):
                h.LIBC.umount2(path.encode(), 2)
        h.subprocess.run(f"rm -rf /run/systemd/nspawn {m.MACHINES}/.#*", shell=True, check=False)
        super().wreck()

    def descriptors_more(self, name):
        """Than were held at this base when nothing had ever failed."""
        self.containers()  # with a connection
        now = collections.Counter(self.descriptors())
        return dict(now - self.held[name])

    def lost_nothing(self, name):
        if not h.wait_until(lambda: not self.descriptors_more(name), 5):
            raise h.Trouble(f"lost descriptors: {self.descriptors_more(name)} more than without a fault")

    def descriptors(self):
        return [re.sub(r"^/run/netns/.*", "net:", re.sub(r"\d+", "N", d)) for d in self.daemon.descriptors()]

    def learn(self, name):
        s = SCENARIOS[name]
        trace, tracer = f"{h.WORK}/trace", None
        self.go_to_base(s)
        self.look()
        self.held[name] = collections.Counter(self.descriptors())
        if s.request is None:
            self.daemon.stop()
            self.daemon.start(held=True, environment={"ASAN_OPTIONS": "detect_leaks=0"})
            tracer = h.Tracer([self.daemon.pid], sweep.TRACE, follow=True, output=trace)
            os.kill(self.daemon.pid, signal.SIGCONT)
            if not self.daemon.wait_ready():
                raise h.Trouble("does not start")
        elif s.child:
            if "error" in self.ask_tracing_child(s, ["-y"], output=trace):
                raise h.Trouble("does not start")
        else:
            m.write_files(s.files)
            tracer = self.trace_running(s, trace)
            self.must(s.request)
        loop, _ = self.daemon.threads()
        self.settled()
        if tracer:
            tracer.detach()
        self.base = None
        self.expect(s.goal, s.files, "without a fault")
        self.undisturbed("without a fault")
        self.expected[name] = h.without_indexes(h.view())
        counts = self.calls_in(trace, loop, name, s.request is not None, "child" if s.child else "worker")
        # Of a daemon that starts, the loop's is sd_notify().
        return {key: k for key, k in counts.items() if s.request is not None or key != "loop:socket"}

    # --- one point ---

    def reported(self, reply):
        if super().reported(reply):
            return True
        try:
            return any(r.get("state") not in (RUN, DEAD) for r in self.containers().values())
        except (h.Told, h.Gone):
            return True

    def kernel_differs(self, name):
        return h.difference(self.expected[name], h.without_indexes(h.view()))

    def daemon_lacks(self):
        """Plugins and settings are loaded once."""
        return re.search(r"\.so: cannot |no plugin in|could not load plugins|netnsd.conf: cannot", self.daemon.log())

    def start_again(self, how):
        self.daemon.start()
        if not self.daemon.wait_ready():
            raise h.Trouble(f"does not start {how}, status {self.daemon.collect()}")

    def converge(self, name, how):
        """By itself, or by the same request without a fault."""
        s = SCENARIOS[name]
        now = self.settled()
        if s.request is None and self.daemon_lacks():
            self.daemon.stop()
            self.start_again(how)
        if any(now.get(n) != state for n, state in s.goal.items()) or self.kernel_differs(name):
            for n in s.goal:
                self.request(("Container.ResetFailed", {"name": n}))
            if s.request is None:
                self.must(("Manager.Apply", {}))
            reply = self.request(s.request or ("Manager.Apply", {}))
            if s.request in (None, "REBOOT") or s.request[0].startswith(("Manager.", "Namespace.Up")):
                for n, state in s.goal.items():
                    if self.settled().get(n) != state:
                        reply = self.request(("Container.Start", {"name": n}))
            if "error" in (reply or {}):
                raise h.Trouble(f"the same request {how}: {reply}")
        self.expect(s.goal, s.files, how)
        wrong = h.wait_until(lambda: not self.kernel_differs(name), 10)
        if not wrong:
            raise h.Trouble(f"does not converge {how}: " + "; ".join(self.kernel_differs(name)[:8]))
        plan = self.daemon.plan()
        if plan:
            raise h.Trouble(f"the plan is not empty {how}: " + "; ".join(plan[:8]))
        self.undisturbed(how)

    def restart(self, name):
        """After a kill: what ran goes on, what was asked for is there, or what was before that."""
        s, before = SCENARIOS[name], m.machines()
        self.undisturbed("after a kill")
        self.start_again("after a kill")
        now = self.settled()
        self.undisturbed("after a kill and a start")
        for n in s.goal:
            # Nobody was there to see how: a failure, and so it is said.
            unseen = now.get(n) == "failed" and f"{n}.container: has ended while netnsd did not run; how is not known" in \
                self.daemon.log()
            if now.get(n) not in (s.states.get(n), s.goal[n]) and not unseen:
                raise h.Trouble(f"{n} is {now.get(n)} after a kill and a start: {self.containers().get(n)}")
            # It had come up, or nobody had asked it to end.
            if name in ("c-start", "c-up") and n in before and before[n][0].payload and \
                    self.identities().get(n) != (before[n][0].leader, before[n][0].started):
                raise h.Trouble(f"{n} is another one after a kill and a start")
        self.agree(self.declared(s.files), "after a kill and a start")
        self.converge(name, "after a kill and a start")

    def answered(self, s, lasting):
        """The reply; a fault that lasts is taken away before that, when it takes too long."""
        if s.request == "REBOOT":
            return self.request(s.request, LASTING if lasting else 20)
        if not lasting:
            return self.request(s.request)
        self.daemon.send(s.request[0], **s.request[1])
        try:
            return self.daemon.receive(LASTING)
        except h.Gone:
            return self.cut_off()

    def look(self):
        self.containers()
        if self.follower:
            self.follower.connection.close()
        self.follower = Follower() if self.base.request == REEXEC else None
        if self.follower and not h.wait_until(self.follower.heard_ready):
            raise h.Trouble("who follows is not told what there is")

    def taken_over(self, reply):
        """Or not, which is said. Then once more, without a fault; who followed, and was not cut off, follows on."""
        if re.search("cannot (hand over|prepare|execute)", self.daemon.log()) and \
                "message" not in (reply or {}).get("parameters", {}):
            raise h.Trouble(f"who asked is not told that nobody took over: {reply}")
        self.follower.forget()
        self.must(REEXEC)
        if not h.wait_until(self.follower.heard_ready):
            raise h.Trouble("who follows is told nothing any more")

    def outcome(self, s, how):
        try:
            return self.answered(s, how == "lasting")
        except (h.Trouble, h.Gone):
            if self.daemon.has_ended():
                raise
            return None

    def faulted(self, point):
        s = SCENARIOS[point[0]]
        if not s.child:
            return super().faulted(point)
        return self.ask_tracing_child(s, self.arguments(*point), LASTING if point[4] == "lasting" else h.LIMIT)

    def ask_tracing_child(self, s, arguments, limit=h.LIMIT, output="/dev/null"):
        """The reply, with a tracer on the child that comes of the request, until its exec."""
        with h.Fork(self.daemon.pid) as fork:
            self.daemon.send(s.request[0], **s.request[1])
            child = fork.child()
        tracer = h.Tracer([child], ["-b", "execve"] + arguments, follow=True, output=output)
        try:
            os.kill(child, signal.SIGCONT)
            return self.daemon.receive(limit)
        except h.Trouble:
            if limit == h.LIMIT:
                raise
            return None
        finally:
            tracer.detach()

    def child_told(self, error, now, reply):
        """Of a child that came to nothing: the log says why, and the reply when it is not tried again."""
        why = "SIGKILL" if error == "KILL" else os.strerror(getattr(errno, error))
        log = self.daemon.log()
        # Interrupted again and again, for too long; strace that leaves in such a call makes it fail with ENOSYS.
        if reply is None and ("TimeoutStartSec=" in log or os.strerror(errno.ENOSYS) in log):
            return
        if now["one"] != RUN and why not in json.dumps(reply):
            raise h.Trouble(f"the reply does not say why: {reply}")
        if (now["one"] != RUN or "starts again in" in log) and why not in log:
            raise h.Trouble(f"the log does not say why: {log}")

    def after_fault(self, point, reply):
        name = point[0]
        s = SCENARIOS[name]
        now = self.settled()
        told = self.reported(reply)
        wrong = [f"{n} is {now.get(n)}" for n, state in s.goal.items() if now.get(n) != state]
        if wrong and not told:
            raise h.Trouble(f"nobody was told: {wrong}; reply: {reply}")
        if s.child:
            self.child_told(point[3], now, reply)
        if s.request == REEXEC:
            self.taken_over(reply)
        self.undisturbed("after the fault")
        self.converge(name, "after the fault")
        self.at_rest(name)
        self.go_to_base(s)
        self.lost_nothing(name)

    def start_point(self, point):
        name, key, k, errno, _how = point
        s = SCENARIOS[name]
        self.go_to_base(s)
        self.base = None
        # Stopped or killed is the same to what runs.
        if k % 2:
            self.daemon.kill()
        elif self.daemon.stop() != 0:
            raise h.Trouble("does not stop well: " + self.daemon.log()[-2000:])
        self.daemon.forget_log()
        self.daemon.start(held=True, environment={"ASAN_OPTIONS": "detect_leaks=0"})
        tracer = h.Tracer([self.daemon.pid], self.arguments(*point), follow=not key.startswith("loop:"))
        try:
            os.kill(self.daemon.pid, signal.SIGCONT)
            ready = self.daemon.wait_ready()
            status = None if ready else self.daemon.collect()
        finally:
            tracer.detach()
        if errno == "KILL" and ready:
            self.daemon.kill()
        if not ready and errno != "KILL":
            if status <= 0:
                raise h.Trouble(f"ended with status {status}")
            if not self.daemon.log().strip():
                raise h.Trouble(f"refused to start, status {status}, without a word")
        if errno == "KILL" or not ready:
            self.restart(name)
        else:
            self.converge(name, "after the fault")
            self.at_rest(name)


if __name__ == "__main__":
    sys.exit(sweep.main(ContainerSweep))

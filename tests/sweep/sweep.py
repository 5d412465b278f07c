# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sweep: each system call of each scenario is made to fail, and each is preceded by SIGKILL once.

A point is SCENARIO CALL K ERRNO once|lasting. CALL is THREAD:NAME: thread "loop" or "worker" (there is
one worker, so that counts are the same in each run), or "all" where every thread counts for itself. The
Kth such call fails with ERRNO, and with "lasting" all later ones too; ERRNO KILL: the daemon is killed
in its place. Then:

  * it answers within LIMIT, and neither crashes nor is reported by a sanitizer;
  * where the outcome is not what was asked for, somebody was told: the caller, the log, or the status;
  * no half-made namespace has a name;
  * once the fault is gone, the same request, or the next start, brings what an undisturbed run
    brings, to the last attribute, and the plan is empty;
  * no descriptor is lost, no thread is in a wrong namespace, and when all files are gone nothing
    is left.

Of a program that takes the place of another one, both are traced. The new one may refuse to start, with a word, as
any; the old one goes on when nobody takes over.
"""
import collections
import json
import os
import random
import re
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import harness as h  # noqa: E402
from scenarios import CHANGED, REEXEC, SCENARIOS, SYSCTLS  # noqa: E402

FAULTS = os.environ.get("SWEEP_FAULTS", "KILL ENOMEM ENOBUFS ENOSPC EMFILE EINTR EPERM EIO").split()

# What changes something, and what is read to decide about changes. Not: memory, waiting and waking
# (futex, epoll_wait, the eventfd), and close().
CALLS = {
    "worker": ["sendto", "recvmsg", "unshare", "setns", "socket", "setsockopt", "open_tree", "move_mount", "mount",
               "umount2", "openat", "unlink", "unlinkat", "rename", "renameat2", "mkdir", "mkdirat", "rmdir",
               "write", "fchmod", "flock", "fcntl", "ioctl", "statx", "newfstatat", "fstatfs", "read", "getdents64",
               "getsockopt", "access", "faccessat2"],
    # Not sendmsg() and socket(), which are sd_notify(): without it nobody can be told anything.
    "loop": ["openat", "mkdir", "unlink", "rename", "rmdir", "write", "fcntl", "flock", "newfstatat", "statx", "read",
             "getdents64", "sendto", "access", "recvmsg", "clone3", "bind", "listen", "chmod",
             "fchmod", "symlink", "chown", "fchownat", "timerfd_create", "inotify_init1", "inotify_add_watch",
             "execve", "memfd_create", "lseek", "pread64"],
}
# These fail only in files: without its eventfd a thread cannot wake another at all.
BY_PATH = {
    "write": re.compile(r"^/(proc/sys/net|etc/netns|run/netnsd)/"),
    "read": re.compile(r"^/(proc|etc|run|usr|tmp)/"),
}


def changes(call, arguments):
    """Whether it changes something. A program that takes over looks at what every one looks at that starts; those
    calls fail in the scenarios of a start."""
    looks = {"newfstatat", "statx", "fstatfs", "statfs", "read", "getdents64", "access", "faccessat2", "readlink",
             "readlinkat", "getsockopt", "fgetxattr", "flistxattr", "recvmsg"}
    return call not in looks and (call != "openat" or re.search("O_(CREAT|WRONLY|RDWR)", arguments))


TRACE = ["-y", "-e", "trace=!futex"]  # of strace, to learn what calls there are


class Ended(h.Trouble):
    """The daemon did."""

    def __init__(self, status):
        super().__init__(f"the daemon ended with status {status}")
        self.status = status


class Sweep:
    scenarios, swept, by_path = SCENARIOS, CALLS, BY_PATH
    begins, execute = re.compile("/netnsd.conf|memfd:"), {"loop"}  # of a program: its first own call; who is one after another

    def __init__(self):
        self.daemon = h.Daemon()
        self.tried = self.failed = 0
        self.expected = {}
        self.paths = {}
        self.base = None  # scenario whose base is in place

    # --- states ---

    def request(self, what):
        """The reply; None when the connection broke."""
        try:
            if what == "HUP":
                while self.daemon.drain_notify():
                    pass
                os.kill(self.daemon.pid, signal.SIGHUP)
                if not self.daemon.wait_ready():
                    raise h.Gone("the daemon ended")
                return {}
            return self.daemon.call(what[0], **what[1])
        except h.Gone:
            return self.cut_off()

    def cut_off(self):
        """None, if it is not for the end of the daemon."""
        if self.daemon.has_ended():
            raise Ended(self.daemon.collect())

    def await_heir(self, limit=h.LIMIT):
        """Whoever answers Reexec has only begun: until it has started, or ended."""
        def started_or_ended():
            try:
                reply = self.daemon.call("Manager.Describe")
                return reply.get("parameters", {}).get("state") != "starting"
            except h.Gone:
                return self.daemon.has_ended()
        if not h.wait_until(started_or_ended, limit) and limit == h.LIMIT:
            raise h.Trouble("the program that took over does not start")
        self.cut_off()

    def must(self, what):
        reply = self.request(what)
        if reply is None or "error" in reply:
            raise h.Trouble(f"{what} without a fault: {json.dumps(reply)}")
        if what == REEXEC:
            self.await_heir()

    def start_clean(self):
        """A daemon on an empty system."""
        h.write_files({})
        self.daemon.start()
        if not self.daemon.wait_ready():
            raise h.Trouble(f"cannot start without a fault, status {self.daemon.collect()}")
        self.base = None

    def empty(self):
        """Removes everything, and looks what is left."""
        self.base = None
        h.write_files({})
        for name in list(h.glob.glob("/run/netnsd/transient/*")):
            self.request(("Namespace.Delete", {"name": os.path.basename(name).split(".netns")[0]}))
        self.must(("Manager.Apply", {}))
        if not h.wait_until(lambda: not h.leftovers()):
            raise h.Trouble("left behind: " + "; ".join(h.leftovers()))

    def go_to_base(self, scenario):
        if self.base is scenario:
            return
        self.empty()
        if scenario.base:
            h.write_files(scenario.base)
            self.must(("Manager.Apply", {}))
        for what in scenario.prepare:
            self.must(what)
        wanted = sorted(n for n in scenario.base if n != "host")
        if not scenario.prepare and h.names() != wanted:
            raise h.Trouble(f"an apply without a fault made {h.names()}, expected {wanted}")
        self.base = scenario

    def wreck(self):
        """After a failure: gets rid of the daemon and of all that it may have left."""
        self.daemon.kill()
        self.base = None
        for name in h.names():
            while h.is_namespace(name) and h.LIBC.umount2(f"/run/netns/{name}".encode(), 2) == 0:
                pass
            os.unlink(f"/run/netns/{name}")
        h.subprocess.run(["ip", "link", "del", "group", str(h.LINK_GROUP)], check=False, capture_output=True)
        h.subprocess.run("rm -rf /etc/netns/* /run/netnsd/*", shell=True, check=False)
        h.wait_until(lambda: not h.leftovers())
        self.start_clean()

    def learn(self, name):
        """What an undisturbed run brings, and which calls it makes."""
        s = SCENARIOS[name]
        trace = f"{h.WORK}/trace"
        if s.request is None:
            self.daemon.stop()
            h.write_files(s.files)
            self.daemon.start(held=True, environment={"ASAN_OPTIONS": "detect_leaks=0"})
            tracer = h.Tracer([self.daemon.pid], TRACE, follow=True, output=trace)
            os.kill(self.daemon.pid, signal.SIGCONT)
            if not self.daemon.wait_ready():
                raise h.Trouble("does not start")
        else:
            self.go_to_base(s)
            h.write_files(s.files)
            tracer = self.trace_running(s, trace)
            self.must(s.request)
        loop, workers = self.daemon.threads()
        tracer.detach()
        self.expected[name] = h.without_indexes(h.view(SYSCTLS))
        self.base = None
        return self.calls_in(trace, loop, name, s.request is not None)

    def trace_running(self, s, output):
        loop, workers = self.daemon.threads()
        if len(workers) != 1:
            raise RuntimeError("the sweep needs Workers=1")
        follow = s.request == REEXEC
        return h.Tracer([loop] if follow else [loop] + workers, TRACE, follow, output)

    def learn_base(self, name):
        """What a start makes of the files alone."""
        self.go_to_base(self.scenarios[name])
        self.daemon.stop()
        self.daemon.start()
        if not self.daemon.wait_ready():
            raise SystemExit("cannot start")
        self.expected["base of " + name] = h.without_indexes(h.view(SYSCTLS))

    def calls_in(self, trace, loop, name, begun, other="worker"):
        """{thread:call: counts} of what strace wrote."""
        counts, found, others = collections.Counter(), {}, set()  # others: programs that it executes
        with open(trace, encoding="utf-8", errors="replace") as f:
            for line in f:
                m = re.match(r"(\d+ +|)(\w+)\((.*)", line)  # of one thread alone strace writes no number
                if not m or m[1] in others:
                    continue
                thread = "loop" if m[1] and int(m[1]) == loop else other
                call, arguments = m[2], m[3]
                key = f"{thread}:{call}"
                path = re.match(r"\d+<([^>]*)>", arguments)
                if call in self.by_path and thread in ("loop", "worker"):
                    if not path or not self.by_path[call].match(path[1]):
                        continue
                    self.paths.setdefault((name, call), set()).add(path[1])
                # The loader's own calls come before the first look at a configuration, or at what is handed over.
                begun = begun or self.begins.search(call + arguments)
                counts[m[1], call] += 1
                wanted = self.scenarios[name].request != REEXEC or changes(call, arguments)
                if begun and wanted and call in self.swept[thread]:
                    found.setdefault(key, set()).add(counts[m[1], call])
                if call == "execve" and thread in self.execute:
                    begun = False
                elif call == "execve":
                    others.add(m[1])
        return {key: sorted(ks) for key, ks in found.items()}

    def points(self, name):
        counts = self.learn(name)
        for key, ks in sorted(counts.items()):
            if self.scenarios[name].request in (None, REEXEC) and key.startswith("worker:"):
                # Threads cannot be told apart before they are there: every one counts for itself.
                # Nor socket(): the loop's is sd_notify().
                if "loop:" + key[7:] in counts or key == "worker:socket":
                    continue
                key = key.replace("worker:", "all:")
            for k in ks:
                for e in FAULTS:
                    yield (name, key, k, e, "once")
                    if e != "KILL":
                        yield (name, key, k, e, "lasting")

    # --- one point ---

    def arguments(self, name, key, k, errno, how):
        call = key.split(":")[1]
        when = f"{k}+" if how == "lasting" else f"{k}"
        what = "signal=KILL" if errno == "KILL" else f"error={errno}"
        arguments = ["-e", f"trace={call}", "-e", f"inject={call}:{what}:when={when}"]
        for path in sorted(self.paths.get((name, call), ())):
            arguments += ["-P", path]
        return arguments

    def parts_missing(self, name, seen, alive=True):
        """Namespaces that have a name and are not whole. Those that were killed on the way may lack links to
        one that was not finished."""
        found = {}
        for ns, state in seen["names"].items():
            if state == "no namespace" or (not alive and ns in ("red", "blue") and "router" not in seen["names"]):
                continue
            # What others place into it may be missing.
            own = {link: v for link, v in self.expected[name]["names"][ns]["links"].items()
                   if link in ("lo", "eth0", "m0", "vx0")}
            wrong = h.difference(own, {link: v for link, v in state["links"].items() if link in own})
            if wrong:
                found[ns] = wrong
        return found

    def said_to_be_whole(self, name):
        """It may be at work on it just now."""
        missing = self.parts_missing(name, h.without_indexes(h.view(SYSCTLS)))
        states = self.daemon.list()
        return {ns: w for ns, w in missing.items() if states.get(ns, {}).get("state") == "configured"}

    def half_made(self, name, seen, alive=True):
        """Only where all is made from nothing: what has a name is whole, or its state says that it is not."""
        if name not in ("create", "start") or not self.parts_missing(name, seen, alive):
            return
        if alive and h.wait_until(lambda: not self.said_to_be_whole(name)):
            return
        raise h.Trouble(f"half-made, and has a name: {json.dumps(self.parts_missing(name, seen, alive))[:1500]}")

    def reported(self, reply):
        if reply is None or "error" in reply:
            return True
        if re.search(r"^<[0-4]>", self.daemon.log(), re.M):
            return True
        try:
            return any(u.get("state") in ("failed", "degraded", "pending") for u in self.daemon.list().values())
        except (h.Told, h.Gone):
            return True

    def converge(self, name, how):
        """Without a fault, by the same request, or by itself."""
        s, goal = SCENARIOS[name], self.expected[name]
        if h.difference(goal, h.without_indexes(h.view(SYSCTLS))):
            reply = self.request(s.request or ("Manager.Apply", {}))
            if re.search(r"\.so: cannot |no plugin in|could not load plugins", self.daemon.log()):
                # Plugins are loaded once.
                self.daemon.stop()
                self.daemon.start()
                if not self.daemon.wait_ready():
                    raise h.Trouble("does not start after the fault")
            wrong = h.difference(goal, h.without_indexes(h.view(SYSCTLS)))
            if wrong:
                raise h.Trouble(f"does not converge {how}: " + "; ".join(wrong[:8]) + f"; reply: {json.dumps(reply)[:600]}")
        plan = self.daemon.plan()
        if plan:
            raise h.Trouble(f"the plan is not empty {how}: " + "; ".join(plan[:8]))

    def restart(self, name):
        """After a kill."""
        s = SCENARIOS[name]
        before = h.view(SYSCTLS)
        self.half_made(name, h.without_indexes(before), alive=False)
        inodes = {n: h.inode(n) for n in h.names() if h.is_namespace(n)}
        self.daemon.start()
        if not self.daemon.wait_ready():
            raise h.Trouble(f"does not start after a kill, status {self.daemon.collect()}")
        for n, inode in inodes.items():
            if n in s.files and n in h.names() and h.inode(n) != inode:
                raise h.Trouble(f"{n} is another namespace after a kill and a start")
        now = h.without_indexes(h.view(SYSCTLS))
        wrong = h.difference(self.expected[name], now)
        if wrong and s.restart == "either":
            base = self.expected.get("base of " + name)
            wrong = h.difference(base, now) if base else wrong
        if wrong:
            raise h.Trouble("does not converge by a start after a kill: " + "; ".join(wrong[:8]))
        plan = self.daemon.plan()
        if plan:
            raise h.Trouble("the plan is not empty after a kill and a start: " + "; ".join(plan[:8]))

    def at_rest(self, name):
        if h.sanitizer_report(self.daemon.log()):
            raise h.Trouble("a sanitizer reports: " + h.sanitizer_report(self.daemon.log()))
        if not h.wait_until(lambda: not self.daemon.strayed()):
            raise h.Trouble(f"threads in a wrong namespace: {self.daemon.strayed()}")

    def start_point(self, point):
        name, key, k, errno, how = point
        s = SCENARIOS[name]
        self.daemon.stop()
        h.write_files(s.files)
        self.daemon.forget_log()
        self.daemon.start(held=True, environment={"ASAN_OPTIONS": "detect_leaks=0"})
        tracer = h.Tracer([self.daemon.pid], self.arguments(*point), follow=not key.startswith("loop:"))
        try:
            os.kill(self.daemon.pid, signal.SIGCONT)
            ready = self.daemon.wait_ready()
            status = None if ready else self.daemon.collect()
            told = ready and self.reported({})
        finally:
            tracer.detach()
        if errno == "KILL":
            if ready:
                self.daemon.kill()
            self.restart(name)
            return
        now = h.without_indexes(h.view(SYSCTLS))
        if not ready:
            if status <= 0:
                raise h.Trouble(f"ended with status {status}")
            if not self.daemon.log().strip():
                raise h.Trouble(f"refused to start, status {status}, without a word")
            self.restart(name)
            return
        self.half_made(name, now)
        if h.difference(self.expected[name], now) and not told:
            raise h.Trouble("nobody was told that it is incomplete: " +
                            "; ".join(h.difference(self.expected[name], now)[:8]))
        self.converge(name, "after the fault")

    def running_point(self, point):
        name, key, _k, errno, _how = point
        s = self.scenarios[name]
        self.go_to_base(s)
        self.look()  # with a connection
        self.before = self.daemon.descriptors()
        self.base = None
        self.write_files(s.files)
        self.daemon.forget_log()
        try:
            outcome = self.faulted(point)
        except Ended as ended:
            if (errno != "KILL" or key.startswith("child:")) and not self.heir_refused(s, ended):
                raise
        if not self.daemon.process:
            self.restart(name)
        else:
            self.after_fault(point, outcome)

    def heir_refused(self, s, ended):
        """A program that has taken the place of another one may refuse to start, as any, with a word."""
        _, taken, words = self.daemon.log().partition("another program takes over")
        said = [line for line in words.split("\n")[1:] if line and "LeakSanitizer" not in line]
        return s.request == REEXEC and taken and ended.status > 0 and said

    def faulted(self, point):
        """What came of the request with the fault in its way. A kill that was in the way of nothing comes after it."""
        name, key, _k, errno, how = point
        s = self.scenarios[name]
        loop, workers = self.daemon.threads()
        follow = key.startswith("all:")
        tracer = h.Tracer([loop] if key.startswith("loop:") or follow else workers, self.arguments(*point), follow)
        try:
            outcome = self.request(s.request) if errno == "KILL" else self.outcome(s, how)
            if s.request == REEXEC:
                self.await_heir(2 if how == "lasting" else h.LIMIT)
        finally:
            tracer.detach()
        if how == "lasting" and s.request == REEXEC:
            self.await_heir()
        if errno == "KILL":
            self.daemon.kill()
        return outcome

    # What a sweep of something else does otherwise.
    write_files = staticmethod(h.write_files)

    def look(self):
        self.daemon.list()

    def outcome(self, s, _how):
        reply = self.request(s.request)
        return reply, self.reported(reply)

    def after_fault(self, point, outcome):
        name, (reply, told) = point[0], outcome
        s = self.scenarios[name]
        now = h.without_indexes(h.view(SYSCTLS))
        self.half_made(name, now)
        # What was let go the kernel removes in its own time.
        if not told:
            h.wait_until(lambda: not h.difference(self.expected[name], h.without_indexes(h.view(SYSCTLS))), 10)
            now = h.without_indexes(h.view(SYSCTLS))
        wrong = h.difference(self.expected[name], now)
        if wrong and not told:
            raise h.Trouble("nobody was told: " + "; ".join(wrong[:8]) + f"; reply: {json.dumps(reply)[:600]}")
        self.converge(name, "after the fault")
        self.at_rest(name)
        self.go_to_base(s)
        if not h.wait_until(lambda: len(self.daemon.descriptors()) <= len(self.before), 5):
            raise h.Trouble(f"lost descriptors: before {self.before}, now {self.daemon.descriptors()}; names {h.names()}, "
                            f"{ {n: u.get('state') for n, u in self.daemon.list().items()} }")

    def point(self, point):
        self.tried += 1
        begun = time.monotonic()
        try:
            if self.scenarios[point[0]].request is None:
                self.start_point(point)
            else:
                self.running_point(point)
            if h.sanitizer_report(self.daemon.log()):
                raise h.Trouble("a sanitizer reports: " + h.sanitizer_report(self.daemon.log()))
        except (h.Trouble, h.Gone) as trouble:
            self.failed += 1
            words = " ".join(str(w) for w in point)
            print(f"FAILED: {os.path.relpath(__file__)[:-3]}.sh {words}\n  {trouble}", flush=True)
            if os.environ.get("SWEEP_LOG"):
                print("  " + self.daemon.log().replace("\n", "\n  "), flush=True)
            self.wreck()
        if os.environ.get("SWEEP_VERBOSE"):
            print(f"{time.monotonic() - begun:.3f} {' '.join(str(w) for w in point)}", flush=True)


def found_before():
    """The points of found.txt."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "found.txt"), encoding="utf-8") as f:
        lines = [line.split() for line in f if not line.startswith("#")]
    return [(name, key, int(k), errno, how) for name, key, k, errno, how in lines]


def main(make=Sweep):
    with open(f"{h.CONFIG}/netnsd.conf", "w", encoding="utf-8") as f:
        f.write("[Manager]\nWorkers=1\n")
    arguments = sys.argv[1:]
    sweep = make()
    sweep.start_clean()
    one = None
    if len(arguments) == 5 and arguments[4] in ("once", "lasting"):
        one = (arguments[0], arguments[1], int(arguments[2]), arguments[3], arguments[4])
        chosen = [arguments[0]]
    else:
        chosen = arguments or list(sweep.scenarios)
    points, calls = [], 0
    for name in chosen:
        s = sweep.scenarios[name]
        found = list(sweep.points(name))
        calls += len({p[1:3] for p in found})
        points += found
        if s.restart == "either":
            sweep.learn_base(name)
        if s.request is None:
            sweep.wreck()
    if one:
        points = [one]
    seed = int(os.environ.get("SWEEP_SEED", "1"))
    if os.environ.get("SWEEP_SAMPLE"):
        random.Random(seed).shuffle(points)
        points = sorted(points[:int(os.environ["SWEEP_SAMPLE"])] + [p for p in found_before() if p[0] in chosen])
    if os.environ.get("SWEEP_PART"):
        part, of = (int(x) for x in os.environ["SWEEP_PART"].split("/"))
        points = points[part - 1::of]
    print(f"{calls} calls in {len(chosen)} scenarios; {len(points)} points to try", flush=True)
    begun = time.monotonic()
    for n, point in enumerate(points):
        sweep.point(point)
        if n and n % 1000 == 0:
            print(f"{n} points, {sweep.failed} failed, {time.monotonic() - begun:.0f} s", flush=True)
    try:
        sweep.empty()
        if sweep.daemon.stop() != 0:
            raise h.Trouble("does not stop well: " + sweep.daemon.log())
    except h.Trouble as trouble:
        print(f"FAILED at the end: {trouble}")
        sweep.failed += 1
    print(f"{sweep.tried} points tried, {sweep.failed} failed; {time.monotonic() - begun:.0f} s")
    return 1 if sweep.failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Seeded random life of containers under the real daemon: files, requests, ends of all sorts, floods, and kills of
all who take part. At rest each is where machines_model.py, which knows only files and events, says it must
be: by /proc, never by netnsd's word, with as many payloads begun as that takes, and one init on each root.

containers.py: for CHAOS_SECONDS (default 300) or CHAOS_STEPS, with CHAOS_SEED; see containers.sh. Each step is
printed before it is done, and depends on the seed and its number alone.
"""
import collections
import copy
import os
import re
import select
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import harness as h  # noqa: E402
import machines as m  # noqa: E402
import machines_model as model  # noqa: E402

SEED = os.environ.get("CHAOS_SEED") or str(time.time_ns() % 1000000)
SECONDS = float(os.environ.get("CHAOS_SECONDS") or 300)
STEPS = int(os.environ.get("CHAOS_STEPS") or 0)
PATIENCE = float(os.environ.get("CHAOS_PATIENCE") or 30)
CTL = os.environ["NETNSCTL"]
LOG_MAX = 4 * 1024 * 1024  # console.h: CONSOLE_MAX
NETNS = """[Namespace]
[Veth eth0]
PeerName=ns-{0}
Address=10.60.{1}.2/24
"""


class Failure(Exception):
    pass


def container_text(spec):
    keys = ["Container.Namespace=" + spec["ns"], "Service.Restart=" + spec["restart"],
            f"Service.RestartSec={spec['delay']}ms", f"Service.SetCredential=generation:{spec['generation']}",
            "Service.TimeoutStopSec=5", "Service.TimeoutStartSec=30", "Exec.Capability=CAP_NET_ADMIN"]
    keys += [f"Service.{key}={' '.join(spec[key.lower()])}" for key in ("Requires", "After") if spec[key.lower()]]
    keys += ["Container.AutoStart=" + ("yes" if spec["autostart"] else "no")]
    if spec["ephemeral"]:
        keys += ["Exec.Ephemeral=yes", "Container.RootSizeMax=2M"]
    if spec["watchdog"]:
        keys += ["Service.WatchdogSec=3"]
    if spec["kind"] == "obey":
        keys += ["Exec.NotifyReady=yes", "Service.StartLimitIntervalSec=0"]
    else:
        keys += ["Service.StartLimitIntervalSec=1d", f"Service.StartLimitBurst={model.BURST}"]
    words = {"obey": "ready obey /shared/do", "storm": "reboot", "quits": "exit 3"}[spec["kind"]]
    return m.text(spec["name"], "log /shared/log lock /shared/lock " + words, keys)


class Chaos:
    def __init__(self):
        self.daemon = h.Daemon()
        self.model = model.Model()
        self.was = {}  # {name: (leader, start time)} of those that ran at the last rest
        self.counted = collections.Counter()  # payloads begun, by their logs
        self.clients, self.steps, self.rests, self.most = [], 0, 0, None

    # --- files and requests ---

    def write(self, specs):
        files = {f"{n}.netns": NETNS.format(n, n[1:]) for n in model.NAMES}
        files.update({f"{n}.container": container_text(s) for n, s in specs.items()})
        m.write_files(files)

    def ctl(self, *argv):
        """Not waited for."""
        self.clients.append((argv, subprocess.Popen([CTL, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                                    stderr=subprocess.PIPE, text=True)))

    def finish(self, client, argv):
        """Whoever talks to systemd waits until somebody reads it: we do meanwhile."""
        deadline = time.monotonic() + 90
        while client.poll() is None:
            if time.monotonic() > deadline:
                client.kill()
                raise Failure(f"netnsctl {' '.join(argv)} never ends; the daemon: {self.daemon.where()}")
            select.select([self.daemon.notify], [], [], 0.02)
            while self.daemon.drain_notify():
                pass
        return client.communicate()[1]

    def wait_clients(self, check=()):
        """Those of `check`, whose names they have as last word, must succeed."""
        for argv, client in self.clients:
            said = self.finish(client, argv)
            if client.returncode != 0 and argv[-1] in check:
                raise Failure(f"netnsctl {' '.join(argv)}: status {client.returncode}: {said}")
        self.clients = []

    def end_clients(self):
        for _, client in self.clients:
            client.kill()
            client.communicate()
        self.clients = []

    def must(self, *argv):
        client = subprocess.Popen([CTL, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
        said = self.finish(client, argv)
        if client.returncode:
            raise Failure(f"netnsctl {' '.join(argv)}: status {client.returncode}: {said}")

    # --- what happens to one: each of these does it, and tells the model ---

    def machine(self, name):
        found = m.machines().get(name, [])
        if len(found) != 1 or not found[0].leader:
            raise Failure(f"{name} has {found}, expected one that runs")
        return found[0]

    def do(self, name, *words):
        m.write_file(f"{m.SHARED}/{name}/do", "\n".join(words) + "\n")

    def kill(self, name, who, number=signal.SIGKILL):
        try:
            os.kill(getattr(self.machine(name), who), number)
        except ProcessLookupError:
            pass

    ENDS = {  # a result of systemd.service(5); nspawn makes status 1 of a payload that a signal ends
        "exit 0": ("success", lambda self, n: self.do(n, "exit", "0")),
        "exit 7": ("exit-code", lambda self, n: self.do(n, "exit", "7")),
        "crash": ("exit-code", lambda self, n: self.do(n, "crash")),
        "SIGTERM to the payload": ("success", lambda self, n: self.kill(n, "leader", signal.SIGTERM)),
        "reboot": ("reboot", lambda self, n: self.do(n, "reboot")),
        "poweroff": ("success", lambda self, n: self.do(n, "poweroff")),
        "SIGKILL of the payload": ("exit-code", lambda self, n: self.kill(n, "leader")),
        "SIGKILL of nspawn": ("signal", lambda self, n: self.kill(n, "nspawn")),
        "reboot asked for from outside": ("reboot", lambda self, n: self.kill(n, "leader", signal.SIGUSR1)),
    }
    NOISE = {
        "console flood": ("&", "flood"), "console lines": ("&", "lines", "60000"), "notify flood": ("&", "flood-notify"),
        "full root": ("&", "sh", "dd if=/dev/zero of=/fill bs=64k count=200 2>/dev/null"),
        "processes": ("fork", "7"), "no more link": ("&", "sh", "ip link del eth0"),
    }

    def end(self, rnd, name, known=True):
        how = rnd.choice(sorted(self.ENDS))
        print(f"    {name}: {how}", flush=True)
        result, hand = self.ENDS[how]
        hand(self, name)
        self.model.end(name, result if known else "unknown")

    def hang(self, name):
        print(f"    {name}: SIGSTOP of nspawn, WatchdogSec=", flush=True)
        self.kill(name, "nspawn", signal.SIGSTOP)
        self.model.end(name, "watchdog")

    def noise(self, rnd, name):
        how = rnd.choice(sorted(self.NOISE))
        print(f"    {name}: {how}", flush=True)
        if how != "full root" or self.model.specs[name]["ephemeral"]:
            self.do(name, *self.NOISE[how])

    def event(self, rnd, name):
        """One of all. Those that never stay up are only asked."""
        running = self.model.state[name] == "running"
        what = rnd.choice(["end", "end", "end", "noise", "noise", "start", "stop", "restart", "reset-failed", "kill", "hang"])
        if what == "end" and running:
            self.end(rnd, name)
        elif what == "noise" and running:
            self.noise(rnd, name)
        elif what == "hang" and running and self.model.specs[name]["watchdog"]:
            self.hang(name)
        elif what == "kill" and running:
            print(f"    {name}: kill --signal=KILL", flush=True)
            self.ctl("kill", "--signal=KILL", name)
            self.model.end(name, "signal")
        elif what == "reset-failed":
            print(f"    {name}: reset-failed", flush=True)
            self.must("reset-failed", name)
            self.model.reset(name)
        else:
            verb = what if what in ("start", "stop", "restart") else rnd.choice(["start", "restart"])
            print(f"    {name}: {verb}", flush=True)
            self.ctl(verb, name)
            getattr(self.model, verb)(name)

    # --- at rest ---

    def begun(self):
        found = collections.Counter()
        for name in m.names_in(m.SHARED):
            try:
                with open(f"{m.SHARED}/{name}/log", encoding="utf-8") as f:
                    text = f.read()
            except FileNotFoundError:
                continue
            found[name] = len(re.findall(r"^begin 1$", text, re.M))
            if "locked already" in text:
                raise Failure(f"two of {name} ran at once")
        return found

    def told(self):
        return self.daemon.list_containers()

    def unsettled(self):
        told, real, state = self.told(), m.machines(), self.model.state
        found = [f"{n} is {told.get(n, {}).get('state')}, expected {s}: {told.get(n, {}).get('reason')}, "
                 f"{told.get(n, {}).get('restartReason')}" for n, s in state.items() if told.get(n, {}).get("state") != s]
        found += [f"{n} is not declared, but {r['state']}" for n, r in told.items() if n not in state]
        for name in sorted(set(real) | set(state)):
            mine = real.get(name, [])
            if len(mine) != (state.get(name) == "running"):
                found.append(f"{name} must be {state.get(name)}, the kernel has {mine}")
            elif mine and (told.get(name, {}).get("pid"), told.get(name, {}).get("leader")) != (mine[0].nspawn, mine[0].leader):
                found.append(f"{name} has {mine[0]}, netnsd says {told.get(name)}")
            elif mine and not mine[0].payload:
                found.append(f"{name} is not the payload yet")
        found += [f"{len(pids)} inits on one root: {pids}" for pids in m.inits().values() if len(pids) > 1]
        names = set(model.NAMES) - self.model.down
        found += [f"namespaces {sorted(names ^ set(h.names()))} are there, or are not"] * (names != set(h.names()))
        return found + m.remains(self.model.running(), list(state), [self.daemon.pid])

    def begun_otherwise(self, most):
        """Payloads begun since the last rest, where that is not what it takes."""
        now, wrong = self.begun(), []
        for name in set(now) | set(self.model.begins):
            n, want = now[name] - self.counted[name], self.model.begins.get(name, 0)
            if not want <= n <= want + most.get(name, 0):
                wrong.append(f"{name} has begun {n} times, expected {want}" + (f" to {want + most[name]}" if name in most else ""))
        return wrong

    def another(self):
        """Those that are another one, or are not, against what was to be."""
        wrong = []
        for name, mine in m.machines().items():
            now = (mine[0].leader, mine[0].started)
            if name in self.was and (now == self.was[name]) == bool(self.model.begins.get(name)):
                wrong.append(f"{name} is {'the same' if now == self.was[name] else 'another one'}: {now}, was {self.was[name]}")
        return wrong

    def rest(self, most=None):
        """most: begins more than expected, of those that were disturbed at work."""
        begun = time.monotonic()
        if self.daemon.has_ended():
            raise Failure(f"the daemon has ended with status {self.daemon.collect()}")
        def wrong():
            return self.unsettled() or self.begun_otherwise(most or {}) or ([] if most else self.another())
        if not h.wait_until(lambda: not wrong(), PATIENCE):
            raise Failure("not as it must be:\n  " + "\n  ".join(wrong()))
        if not h.wait_until(lambda: not self.links_missing(), 10):
            raise Failure(f"no eth0 in {self.links_missing()}")
        self.settle()
        self.nothing_leaked()
        self.rests += 1
        print(f"    at rest after {time.monotonic() - begun:.2f} s: {len(self.was)} run", flush=True)

    @staticmethod
    def links_missing():
        missing = []
        for ns in h.names():
            with h.inside(ns):
                if not any(link.get("ifname") == "eth0" and "UP" in link["flags"] for link in h.ip_batch(["link show"])[0]):
                    missing.append(ns)
        return missing

    def settle(self):
        """What is now is what is compared with from now on."""
        self.was = {n: (mine[0].leader, mine[0].started) for n, mine in m.machines().items()}
        self.model.begins = {}
        self.counted = self.begun()

    def nothing_leaked(self):
        if not h.wait_until(lambda: not self.daemon.strayed(), 10):
            raise Failure(f"threads in a wrong namespace: {self.daemon.strayed()}")
        report = h.sanitizer_report(self.daemon.log())
        if report:
            raise Failure("a sanitizer reports: " + report)
        if self.most is None or self.most[0] != self.daemon.pid:
            self.most = (self.daemon.pid, len(self.daemon.descriptors()), len(self.was))
        # Five of each that runs (pidfds, notify socket, console, its watch, namespace), and a client.
        limit = self.most[1] + 8 * max(0, len(self.was) - self.most[2]) + 3
        if not h.wait_until(lambda: len(self.daemon.descriptors()) <= limit, 5):
            raise Failure(f"{limit} descriptors at most expected: {collections.Counter(self.daemon.descriptors())}")
        for name in m.names_in("/var/log/netnsd"):
            path = f"/var/log/netnsd/{name}"
            if not h.wait_until(lambda path=path: os.path.getsize(path) <= LOG_MAX, 5):
                raise Failure(f"{path} has {os.path.getsize(path)} bytes")

    # --- steps ---

    def start_daemon(self):
        self.daemon.start()
        if not self.daemon.wait_ready():
            raise Failure(f"the daemon does not start, status {self.daemon.collect()}")
        self.model.new_daemon()

    def step_events(self, rnd):
        names = model.pick(rnd, self.model.groups(), 4)
        for name in names:
            self.event(rnd, name)
        self.wait_clients([n for n in names if self.model.specs[n]["kind"] == "obey"])

    def step_files(self, rnd):
        specs, what = model.change(rnd, self.model.specs)
        how = rnd.choice(["apply", "reload", "reload --restart", "reload --restart", "SIGHUP"])
        print(f"    {how}: {what}", flush=True)
        self.write(specs)
        if how == "SIGHUP":
            while self.daemon.drain_notify():
                pass
            os.kill(self.daemon.pid, signal.SIGHUP)
            if not self.daemon.wait_ready():
                raise Failure("the daemon ended")
        else:
            self.must(*how.split())
        self.model.become(specs, "--restart" in how)

    def step_down_up(self, rnd):
        ns = rnd.choice(sorted({s["ns"] for s in self.model.specs.values()}))
        print(f"    down {ns}", flush=True)
        self.must("down", ns)
        self.model.take_down(ns)
        if rnd.random() < 0.5:
            self.rest()
        if rnd.random() < 0.7:
            print(f"    up {ns}", flush=True)
            self.must("up", ns)
            self.model.up(ns)

    def ends_meanwhile(self, rnd, known):
        running = [[n for n in g if self.model.state[n] == "running"] for g in self.model.groups()]
        for name in model.pick(rnd, [g for g in running if g], 2) if any(running) else []:
            self.end(rnd, name, known)
            if not h.wait_until(lambda name=name: not m.machines().get(name) or not known, 10):
                raise Failure(f"{name} does not end")

    def step_no_daemon(self, rnd):
        """Killed or stopped; some end meanwhile, and nobody can tell how."""
        how = rnd.choice(["kill", "kill", "stop"])
        print(f"    {how}", flush=True)
        if how == "kill":
            self.daemon.kill()
        elif self.daemon.stop() != 0:
            raise Failure("the daemon does not stop well")
        if rnd.random() < 0.6:
            self.ends_meanwhile(rnd, False)
        self.start_daemon()

    def step_freeze(self, rnd):
        """The daemon looks away, and sees all of it afterwards."""
        os.kill(self.daemon.pid, signal.SIGSTOP)
        self.ends_meanwhile(rnd, True)
        os.kill(self.daemon.pid, signal.SIGCONT)

    def step_kill_at_work(self, rnd):
        """Each is where it was or where it was to go; then all that was concerned is put in order."""
        groups = self.model.groups()
        names = model.pick(rnd, groups, 2)
        before = self.model.copy()
        for name in names:
            self.event(rnd, name)
        after = rnd.uniform(0, 0.4)
        print(f"    kill after {after * 1000:.0f} ms", flush=True)
        time.sleep(after)
        self.daemon.kill()
        self.end_clients()
        wanted = self.model
        self.start_daemon()
        concerned = [n for g in groups if set(g) & set(names) for n in g]
        self.in_order(before, wanted, concerned)

    def in_order(self, before, wanted, concerned):
        busy = {"start-pre", "start", "stop-sigterm", "stop-sigkill", "stop-post", "auto-restart"}

        def on_the_way():
            return [f"{n} {r['state']} ({r.get('reason')})" for n, r in self.told().items() if r["state"] in busy or (
                r["state"] == "running" and self.model.specs[n]["kind"] != "obey")]
        if not h.wait_until(lambda: not on_the_way(), PATIENCE):
            raise Failure(f"never comes to rest: {on_the_way()}")
        told, limit = self.told(), {}
        for name in concerned:
            state = told.get(name, {}).get("state")
            # An end of which nobody knows how it was counts as a failure.
            unknown = before.copy()
            if before.state[name] == "running":
                unknown.end(name, "unknown")
            if state not in (before.state[name], wanted.state[name], unknown.state[name]):
                raise Failure(f"{name} is {state} after a kill at work, was {before.state[name]}, was to be "
                              f"{wanted.state[name]}: {told.get(name)}")
            # One that was just let run, and of which nothing was heard, is taken for one that was not.
            limit[name] = 2 if self.model.specs[name]["kind"] == "obey" else model.BURST + 1
        for name in concerned:
            self.must("stop", name)
            self.must("reset-failed", name)
            self.model.stop(name)
            self.model.reset(name)
            self.model.state[name] = "dead"
            self.model.begins.pop(name, None)
        for ns in sorted({self.model.specs[n]["ns"] for n in concerned}):
            self.must("up", ns)
            self.model.down.discard(ns)
        self.rest(limit)
        self.start_all(concerned)

    def start_all(self, names):
        for name in [n for n in names if self.model.specs[n]["kind"] == "obey"]:
            self.must("start", name)
            self.model.start(name)

    def step_no_inotify(self, rnd):
        """None is to be had meanwhile, as on a machine where others took them all."""
        if not os.path.exists("/usr/bin/strace"):
            return self.step_events(rnd)
        loop, _ = self.daemon.threads()
        tracer = h.Tracer([loop], ["-e", "trace=inotify_init1,inotify_add_watch", "-e", "inject=inotify_init1:error=EMFILE",
                                   "-e", "inject=inotify_add_watch:error=ENOSPC"])
        try:
            self.step_events(rnd)
            self.rest()
        finally:
            tracer.detach()
        return None

    WEIGHTS = {"events": 40, "files": 12, "down_up": 8, "no_daemon": 12, "freeze": 6, "kill_at_work": 8, "no_inotify": 4,
               "start_all": 8}

    def step_start_all(self, _rnd):
        self.start_all(sorted(self.model.specs))

    def step(self, number):
        rnd = model.seeded(SEED, number)
        kind = rnd.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))[0]
        print(f"step {number}: {kind}", flush=True)
        getattr(self, f"step_{kind}")(rnd)
        self.rest()

    def run(self):
        rnd = model.seeded(SEED, 0)
        with open(f"{m.CONFIG}/netnsd.conf", "w", encoding="utf-8") as f:
            f.write("[Manager]\nLogLevel=debug\n")
        for name in model.NAMES:
            m.make_root(name)
        specs = model.first_specs(rnd)
        self.write(specs)
        self.model.become(copy.deepcopy(specs), False)
        self.start_daemon()
        self.rest()
        self.start_all(sorted(specs))
        self.rest()
        until = time.monotonic() + SECONDS
        while self.steps < STEPS if STEPS else time.monotonic() < until:
            self.steps += 1
            self.step(self.steps)
        self.end_all()
        print(f"seed {SEED}: {self.steps} steps, {self.rests} times at rest and compared")

    def end_all(self):
        m.write_files({})
        self.must("apply")
        left = lambda: m.machines() or m.remains([], [], [self.daemon.pid]) or h.leftovers()  # noqa: E731
        if not h.wait_until(lambda: not left(), 30):
            raise Failure(f"left behind: {left()}")
        if self.daemon.stop() != 0:
            raise Failure("the daemon does not stop well")


def main():
    begun = time.monotonic()
    print(f"seed {SEED}", flush=True)
    chaos = Chaos()
    try:
        chaos.run()
    except (Failure, h.Trouble, h.Gone, subprocess.TimeoutExpired) as e:
        print(f"FAILED after {time.monotonic() - begun:.0f} s: seed {SEED}, step {chaos.steps}: {e}", flush=True)
        for name, spec in sorted(chaos.model.specs.items()):
            print(f"  {name}: must be {chaos.model.state[name]}, {spec}")
        if chaos.daemon.process and not chaos.daemon.has_ended():
            subprocess.run([CTL, "list"], check=False, timeout=30)
            chaos.daemon.kill()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

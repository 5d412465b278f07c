#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Seeded random changes, drift and kills against the real daemon; at rest the kernel has to equal a model.

chaos.py: for CHAOS_SECONDS (default 300) or CHAOS_STEPS, with CHAOS_SEED; in the sandbox of
tests/integration/lib.sh, see chaos.sh. Every step is printed before it is done. What a step does
depends on the seed and the number of the step alone, so that the same seed does the same again; when the daemon
gets to it is its own business. The first difference ends the run, with the seed, the step and what differs.
"""
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import kernel  # noqa: E402
import world as w  # noqa: E402

SEED = os.environ.get("CHAOS_SEED") or str(time.time_ns() % 1000000)
SECONDS = float(os.environ.get("CHAOS_SECONDS") or 300)
STEPS = int(os.environ.get("CHAOS_STEPS") or 0)
PATIENCE = float(os.environ.get("CHAOS_PATIENCE") or 20)
CONF = "/etc/netnsd"
SANDBOX = "/run/sandbox"
ALIEN = "alien"  # a namespace of somebody else, and how links of somebody else are called


class Failure(Exception):
    pass


def poll(deadline, done):
    """The last answer of done(): nothing, when it came to rest in time."""
    end = time.monotonic() + deadline
    while True:
        left = done()
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.02)


class Daemon:
    def __init__(self):
        self.process, self.clients = None, []

    def start(self):
        path = f"{SANDBOX}/chaos-notify"
        if os.path.exists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, open(f"{SANDBOX}/daemon.log", "ab") as log:
            notify.bind(path)
            notify.settimeout(60)
            self.process = subprocess.Popen([os.environ["NETNSD"]], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, "NOTIFY_SOCKET": path})
            try:
                while b"READY=1" not in notify.recv(65536).split(b"\n"):
                    pass
            except socket.timeout as e:
                raise Failure("the daemon did not become ready") from e

    def alive(self):
        return self.process and self.process.poll() is None

    def signal(self, number):
        if not self.alive():
            raise Failure(f"the daemon has ended with status {self.process.returncode}")
        self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.signal(signal.SIGTERM)
        if self.process.wait(30) != 0:
            raise Failure(f"the daemon stopped with status {self.process.returncode}")

    def ctl(self, *argv, ok=(0,)):
        done = subprocess.run([os.environ["NETNSCTL"], *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=90)
        if ok and done.returncode not in ok:
            raise Failure(f"netnsctl {' '.join(argv)}: status {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def client(self, *argv):
        """One that the caller ends, or forgets about until the next rest."""
        self.clients.append(subprocess.Popen([os.environ["NETNSCTL"], *argv], stdin=subprocess.DEVNULL,
                                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return self.clients[-1]

    def end_clients(self):
        for client in self.clients:
            client.send_signal(signal.SIGCONT)
            client.kill()
            client.wait()
        self.clients = []

    def descriptors(self):
        """How many of each sort."""
        found = {}
        for fd in os.listdir(f"/proc/{self.process.pid}/fd"):
            try:
                what = os.readlink(f"/proc/{self.process.pid}/fd/{fd}").split(":")[0]
            except OSError:
                continue
            found[what] = found.get(what, 0) + 1
        return found


class Chaos:
    def __init__(self):
        self.rnd = random.Random(f"{SEED}/0")
        self.generator = w.Generator(SEED)
        self.daemon = Daemon()
        self.world = {"host": {"host": True, "links": [], "sysctls": {}, "routes": [], "rules": [], "neighbors": []}, "ns": {}}
        self.aliens = set()  # places where objects of somebody else are
        self.guests = set()  # (place, link, address): addresses of somebody else on links of ours
        self.inodes, self.indexes = {}, {}
        self.fights, self.most, self.steps, self.rests = 0, {}, 0, 0

    # --- what must be there -------------------------------------------------------------------

    def number(self, where):
        return 250 if where == "-" else 240 if where == ALIEN else int(where[1:]) + 1

    def expected(self):
        want = w.expect(self.world)
        want[ALIEN] = w.empty(False)
        for where in self.aliens:
            n = self.number(where)
            want[where]["links"]["alien0"] = {"kind": "bridge", "up": True, "group": "0", "mtu": 1444,
                                              "addrs": [f"192.0.2.{n}/32"], "master": None}
            want[where]["routes"] |= {("blackhole", f"100.64.{n}.0/24", None, None, 77, "254"),
                                      ("unicast", f"100.65.{n}.0/24", None, "alien0", 0, "254")}
            want[where]["rules"].add((9000, "192.0.2.0/24", "99"))
            want[where]["sysctls"]["net/ipv4/conf/alien0/rp_filter"] = "2"
        for where, link, address in self.guests:
            want[where]["links"][link]["addrs"] = sorted(want[where]["links"][link]["addrs"] + [address])
        return want

    def new_aliens(self, where):
        n = self.number(where)
        done = kernel.run(where, ["sh", "-e", "-c", f"""
            ip link add alien0 type bridge; ip link set alien0 mtu 1444 up; ip addr add 192.0.2.{n}/32 dev alien0
            ip route add blackhole 100.64.{n}.0/24 metric 77; ip route add 100.65.{n}.0/24 dev alien0
            ip rule add from 192.0.2.0/24 table 99 priority 9000; echo 2 >/proc/sys/net/ipv4/conf/alien0/rp_filter"""])
        if done.returncode:
            raise Failure(f"no objects of somebody else in {where}: {done.stderr}")
        self.aliens.add(where)

    def forget_link(self, me, links=None):
        """It may have been made again, with all that goes with it."""
        links, todo, seen = links or w.identity(self.world), [me], set()
        while todo:
            me = todo.pop()
            if me in seen:
                continue
            seen.add(me)
            todo += links.get(me, (0, []))[1]
            self.indexes.pop(me, None)
            # Whether the address went along is the kernel's business: put it away for sure.
            for guest in [g for g in self.guests if g[:2] == me]:
                self.guests.discard(guest)
                kernel.run(guest[0], ["ip", "addr", "del", guest[2], "dev", guest[1]])

    def forget_namespace(self, name):
        self.inodes.pop(name, None)
        self.aliens.discard(name)
        self.indexes.pop((name, "alien0"), None)
        for me in [me for me in w.identity(self.world) if me[0] == name]:
            self.forget_link(me)

    def become(self, world):
        """What may not survive the way from the present world to this one is forgotten."""
        new, old = w.identity(world), w.identity(self.world)
        for name in set(self.world["ns"]) - set(world["ns"]):
            self.forget_namespace(name)
        for me in old:
            if new.get(me, (None,))[0] != old[me][0]:
                self.forget_link(me, old)
        self.world = world

    def write(self, world):
        """Each file in one go; those that are gone first."""
        files = {"host": world["host"], **{n: ns for n, ns in world["ns"].items() if not ns.get("transient")}}
        for file in sorted(os.listdir(CONF)):
            if file.endswith(".netns") and file[:-6] not in files:
                os.unlink(f"{CONF}/{file}")
        for name, ns in files.items():
            with open(f"{CONF}/.new", "w", encoding="utf-8") as f:
                f.write(w.text(ns))
            os.rename(f"{CONF}/.new", f"{CONF}/{name}.netns")

    # --- at rest ------------------------------------------------------------------------------

    def differs(self):
        want = self.expected()
        have = {}
        names, mounts = kernel.names()
        mine = set(self.world["ns"]) | {ALIEN}
        diff = [f"a name {n} nobody asked for" for n in set(names) - mine] + [f"no name {n}" for n in mine - set(names)]
        if not diff:
            for where in want:
                have[where] = kernel.look(where, list(want[where]["sysctls"]))
            diff = kernel.compare(want, have)
        diff += [f"{n} mounts of a namespace on {path}" for path, n in mounts.items() if n != 1]
        diff += [f"a mount of a namespace on {path}" for path in mounts if os.path.basename(path) not in mine]
        if not diff and kernel.nsids() != len(self.world["ns"]):
            diff.append(f"{kernel.nsids()} nsids for {len(self.world['ns'])} namespaces")
        self.have, self.names = have, names
        return diff

    def unsettled(self):
        diff = self.differs()
        if diff:
            return diff
        for entry in json.loads(self.daemon.ctl("list", "--json=short")):
            name, state = entry["name"], entry["runtime"]["state"]
            if name == ALIEN or name == "host":
                want = "foreign" if name == ALIEN else "configured"
            else:
                want = "configured" if name in self.world["ns"] else "none"
            if state != want and not (want == "none" and state in ("down", "removing")):
                diff.append(f"{name} is {state}, expected {want}: {entry['runtime'].get('reason')}")
                if "again and again" in str(entry["runtime"].get("reason")):
                    self.fights += 1
                    self.daemon.ctl("apply")
        plan = self.daemon.ctl("plan")
        return diff + [f"plan: {line}" for line in plan.splitlines()]

    def rest(self, patience=PATIENCE):
        begin = time.monotonic()
        if not self.daemon.alive():
            raise Failure(f"the daemon has ended with status {self.daemon.process.returncode}")
        diff = poll(patience, self.unsettled)
        if diff:
            raise Failure("the kernel is not as declared, or the daemon does not say so:\n  " + "\n  ".join(diff))
        self.daemon.end_clients()
        self.nothing_replaced()
        self.nothing_leaked()
        self.rests += 1
        print(f"    at rest after {time.monotonic() - begin:.2f} s", flush=True)

    def nothing_replaced(self):
        for name, inode in self.names.items():
            if self.inodes.setdefault(name, inode) != inode:
                raise Failure(f"{name} is another namespace: inode {inode}, was {self.inodes[name]}")
        for where, here in self.have.items():
            for link, seen in here["links"].items():
                index = self.indexes.setdefault((where, link), seen["index"])
                if index != seen["index"]:
                    raise Failure(f"{where}: {link} was made again: ifindex {seen['index']}, was {index}")

    def nothing_leaked(self):
        def too_many():
            found = self.daemon.descriptors()
            return [f"{found[what]} descriptors {what}, at most {limit} expected; all: {found}"
                    for what, limit in self.limits().items() if found.get(what, 0) > limit]
        left = poll(PATIENCE, too_many)
        if left:
            raise Failure("the daemon holds " + "; ".join(left))
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
                    parent = int(f.read().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if parent == self.daemon.process.pid:
                raise Failure(f"the daemon has a child, process {pid}")
        with open(f"{SANDBOX}/daemon.log", encoding="utf-8", errors="replace") as log:
            for line in log:
                if "Sanitizer" in line or "runtime error:" in line:
                    raise Failure(f"the daemon says: {line}")

    def limits(self):
        """By sort: what the first rest of this daemon saw, and one for each namespace more."""
        pid = self.daemon.process.pid
        if self.most.get("pid") != pid:
            self.most = {"pid": pid, "count": self.daemon.descriptors()}
        limits = dict(self.most["count"])
        limits["net"] = len(self.world["ns"]) + 4
        return {"net": limits["net"], "socket": limits.get("socket", 0) + 2, "anon_inode": limits.get("anon_inode", 0) + 1}

    # --- foreign hands ------------------------------------------------------------------------

    def links_of_ours(self, kinds=None):
        want = w.expect(self.world)
        return [(where, name, link) for where in sorted(want) for name, link in sorted(want[where]["links"].items())
                if not kinds or link["kind"] in kinds]

    def drift_link(self, rnd):
        where, name, link = rnd.choice(self.links_of_ours())
        me = (where, name)
        what = rnd.choice(["del", "mtu", "mac", "master", "down", "name", "move", "altname", "alias", "flush", "addr"])
        if what in ("del", "name", "move"):
            # Into a namespace that is not netnsd's only what goes with its other end.
            other = rnd.choice(["1"] + sorted(self.world["ns"]) + [ALIEN] * (name.startswith("eth")))
            argv = {"del": f"ip link del {name}", "name": f"ip link set {name} down; ip link set {name} name {name}x",
                    "move": f"ip link set {name} netns {other}"}[what]
            self.forget_link(me)
        elif what == "mtu" and "mtu" in link:
            # Going below its parent's takes a macvlan along, which has an MTU of its own.
            argv = f"ip link set {name} mtu {rnd.choice([1290, 1300, 1390])}"
        elif what == "mac" and "mac" in link:
            argv = f"ip link set {name} address {self.generator.mac(rnd)}"
        elif what == "master" and link["master"]:
            argv = f"ip link set {name} {rnd.choice(['nomaster', 'master alien0'])}"
        elif what == "altname" and link["altnames"]:
            argv = f"ip link property del dev {name} altname {link['altnames'][0]}"
        elif what == "alias" and link.get("alias"):
            argv = f"ip link set {name} alias nonsense"
        elif what == "flush":
            for guest in [g for g in self.guests if g[:2] == me]:
                self.guests.discard(guest)
                kernel.run(where, ["ip", "addr", "del", guest[2], "dev", name])
            argv = f"ip addr flush dev {name}"
        elif what == "addr" and link["addrs"]:
            argv = f"ip addr del {rnd.choice(link['addrs'])} dev {name}"
        else:
            argv = f"ip link set {name} {'down' if link['up'] else 'up'}"
        return where, argv

    def drift_routing(self, rnd):
        want = w.expect(self.world)
        where = rnd.choice(sorted(self.world["ns"]))
        choices = []
        for kind, dst, _gateway, _dev, metric, _table in sorted(want[where]["routes"], key=str):
            family = "-6 " if ":" in dst or ":" in str(_gateway) else ""
            choices.append(f"ip {family}route del {'' if kind == 'unicast' else kind + ' '}{dst} metric {metric}")
        choices += [f"ip rule del priority {rule[0]}" for rule in sorted(want[where]["rules"])]
        for dst, _, dev in sorted(want[where]["neighbors"]):
            choices += [f"ip neigh del {dst} dev {dev}",
                        f"ip neigh replace {dst} dev {dev} lladdr {self.generator.mac(rnd)} nud permanent"]
        choices += [f"echo {rnd.choice([v for v in ['0', '1', '44'] if v != value])} >/proc/sys/{key}"
                    for key, value in sorted(want[where]["sysctls"].items())]
        choices += ["ip route flush proto 78", "ip link set lo down"]
        return where, rnd.choice(choices)

    def drift_name(self, rnd):
        name = rnd.choice(sorted(self.world["ns"]))
        path = f"/run/netns/{name}"
        return "-", rnd.choice([f"ip netns del {name}", f"umount {path}", f"umount {path} && rm {path}"])

    def drift_dns(self, rnd):
        name = rnd.choice([n for n in sorted(self.world["ns"]) if "dns" in self.world["ns"][n]] or [None])
        if not name:
            return self.drift_routing(rnd)
        path = f"/etc/netns/{name}/resolv.conf"
        return "-", rnd.choice([f"rm -f {path}", f"sed -i '$anameserver 10.9.9.9' {path}"])

    def drift(self, rnd, names=True):
        hand = rnd.choice([self.drift_link] * 6 + [self.drift_routing] * 4 + [self.drift_dns] + [self.drift_name] * names)
        where, argv = hand(rnd)
        print(f"    by somebody else in {where}: {argv}", flush=True)
        kernel.run(where, ["sh", "-c", argv])  # may come too early or too late to do anything

    # --- steps --------------------------------------------------------------------------------

    def step_drift(self, rnd):
        for _ in range(rnd.randint(1, 4)):
            self.drift(rnd)

    def step_change(self, rnd):
        world, what = self.generator.change(rnd, self.world)
        how = rnd.choice(["apply", "apply", "apply --atomic", "SIGHUP", "reload"])
        print(f"    {how}: {what}", flush=True)
        self.write(world)
        self.become(world)
        if how == "SIGHUP":
            self.daemon.signal(signal.SIGHUP)
            # So that the next change of the files is not what it reads.
            self.rest()
        else:
            self.daemon.ctl(*how.split())

    def step_confirm(self, rnd):
        """Confirmed, run out, or the daemon killed meanwhile."""
        self.named()
        old = self.world
        world, what = self.generator.change(rnd, old)
        how = rnd.choice(["confirm", "expire", "expire", "kill"])
        print(f"    {how}: {what}", flush=True)
        self.write(world)
        self.become(world)
        self.daemon.ctl("apply", "--confirm=" + ("1h" if how == "confirm" else "1s"), *rnd.choice([[], ["--atomic"]]))
        if how == "confirm":
            self.drift(rnd)
            if "nothing waits" in self.daemon.ctl("confirm", ok=None):
                raise Failure("nothing to confirm")
            return
        if how == "kill":
            self.daemon.kill()
            self.daemon.start()
        self.become(old)
        diff = poll(PATIENCE, self.differs)
        if diff:
            raise Failure("not taken back:\n  " + "\n  ".join(diff))
        self.write(old)
        self.daemon.ctl("apply")

    def step_atomic_failure(self, rnd):
        """A namespace that cannot be: nothing of the others is done either."""
        old = self.world
        world, what = self.generator.change(rnd, old)
        print(f"    {what}, and a name that is taken", flush=True)
        self.write(world)
        with open(f"{CONF}/{ALIEN}.netns", "w", encoding="utf-8") as f:
            f.write("[Namespace]\n")
        aliens = set(self.aliens)
        self.become(world)
        self.daemon.ctl("apply", "--atomic", ok=(1,))
        self.become(old)
        self.aliens = aliens  # what destroys comes last: none of it was begun
        diff = poll(PATIENCE, self.differs)
        if diff:
            raise Failure("not taken back:\n  " + "\n  ".join(diff))
        self.write(old)
        self.daemon.ctl("apply")

    def step_bad_file(self, rnd):
        """Refused as a whole, whatever else is new; a start goes on with the last good text."""
        self.named()
        world, _ = self.generator.change(rnd, self.world)
        bad = rnd.choice(["[Namespace]\nNonsense=1\n", "[Veth eth0]\nAddress=10.0.0.1/99\n", "[Veth eth0]\nPeerNamespace=nowhere\n",
                          "[Nonsense]\n", "[Veth a]\n[Veth a]\n", "\0\n", "[Veth eth0]\nMTUBytes=1\n"])
        name = rnd.choice(["bad", "c0", "c1"])
        how = rnd.choice(["apply", "apply", "SIGHUP", "kill"])
        print(f"    {how} with a bad {name}.netns: {bad!r}", flush=True)
        self.write(self.world if how == "kill" else world)
        with open(f"{CONF}/{name}.netns", "w", encoding="utf-8") as f:
            f.write(bad)
        if how == "SIGHUP":
            self.daemon.signal(signal.SIGHUP)
        elif how == "kill":
            self.daemon.kill()
            self.daemon.start()
        self.daemon.ctl("apply", ok=(1,))
        self.drift(rnd)
        diff = poll(PATIENCE, self.differs)
        if diff:
            raise Failure("files with an error changed something:\n  " + "\n  ".join(diff))
        self.write(self.world)
        self.daemon.ctl("apply")

    def named(self):
        """A namespace without a name lives as long as the daemon: before that is killed it must have put it back."""
        left = poll(PATIENCE, lambda: sorted(set(self.world["ns"]) - set(kernel.names()[0])))
        if left:
            raise Failure(f"no names {left}")

    def step_kill(self, rnd):
        """With drift while it is not there."""
        self.named()
        self.daemon.kill()
        for _ in range(rnd.randint(0, 3)):
            if rnd.random() < 0.15:
                # Nobody holds the namespace now: it goes with its name.
                name = rnd.choice(sorted(self.world["ns"]))
                print(f"    ip netns del {name}", flush=True)
                kernel.run("-", ["ip", "netns", "del", name])
                self.forget_namespace(name)
            else:
                self.drift(rnd, names=False)
        if rnd.random() < 0.4:
            world, what = self.generator.change(rnd, self.world)
            print(f"    files: {what}", flush=True)
            self.write(world)
            self.become(world)
        self.daemon.start()

    def step_kill_at_work(self, rnd):
        world, what = self.generator.change(rnd, self.world)
        after = rnd.uniform(0, 0.15)
        self.named()
        print(f"    {after * 1000:.0f} ms after apply: {what}", flush=True)
        self.write(world)
        self.become(world)
        self.daemon.client("apply", *rnd.choice([[], ["--atomic"]]))
        time.sleep(after)
        self.daemon.kill()
        self.daemon.start()
        self.daemon.end_clients()
        self.daemon.ctl("apply")

    def step_freeze(self, rnd):
        self.daemon.signal(signal.SIGSTOP)
        for _ in range(rnd.randint(1, 5)):
            self.drift(rnd)
        if rnd.random() < 0.5:
            world, what = self.generator.change(rnd, self.world)
            print(f"    SIGHUP: {what}", flush=True)
            self.write(world)
            self.become(world)
            self.daemon.signal(signal.SIGHUP)
        self.daemon.signal(signal.SIGCONT)
        self.rest()

    def step_down_up(self, rnd):
        name = rnd.choice(sorted(self.world["ns"]))
        verb = "down" if self.world["ns"][name].get("transient") else rnd.choice(["down", "del"])
        print(f"    {verb} {name}", flush=True)
        self.forget_namespace(name)
        self.daemon.ctl(verb, name)
        if name in kernel.names()[0]:
            raise Failure(f"{name} is still there")
        others = [n for n in sorted(self.world["ns"]) if n != name]
        if others and rnd.random() < 0.5:
            self.drift(rnd, names=False)
        self.daemon.ctl("up", name)

    def step_add_del(self, rnd):
        mine = [n for n in self.world["ns"] if self.world["ns"][n].get("transient")]
        world = {"host": self.world["host"], "ns": dict(self.world["ns"])}
        if mine:
            print(f"    del {mine[0]}", flush=True)
            del world["ns"][mine[0]]
            self.become(world)
            self.daemon.ctl("del", mine[0])
            return
        name = "c9"
        ns = {"links": [], "sysctls": {}, "routes": [], "rules": [], "neighbors": [], "transient": True,
              "dns": ["10.0.0.3"]}
        ns["links"].append({"kind": "veth", "name": "eth0", "mtu": 1450, "addrs": ["10.95.0.2/24"],
                            "peer": {"ns": None, "name": "c9-eth0", "addrs": [], "master": w.BRIDGE}})
        print(f"    add {name}", flush=True)
        world["ns"][name] = ns
        self.daemon.ctl("add", name, "Namespace.DNS=10.0.0.3", "Veth eth0.MTUBytes=1450", "Veth eth0.Address=10.95.0.2/24",
                        f"Veth eth0.PeerName={name}-eth0", f"Veth eth0.PeerBridge={w.BRIDGE}")
        self.become(world)

    def step_clients(self, rnd):
        """Some that follow, of which one does not read, and one that is killed in the middle of an apply."""
        for _ in range(rnd.randint(1, 4)):
            self.daemon.client("monitor", *rnd.choice([[], ["--state"], ["c0"]]))
        if rnd.random() < 0.5:
            self.daemon.clients[-1].send_signal(signal.SIGSTOP)
        world, what = self.generator.change(rnd, self.world)
        after = rnd.uniform(0, 0.05)
        print(f"    {len(self.daemon.clients)} followers; apply killed after {after * 1000:.0f} ms: {what}", flush=True)
        self.write(world)
        self.become(world)
        client = self.daemon.client("apply")
        time.sleep(after)
        client.kill()
        self.drift(rnd)
        if rnd.random() < 0.3:
            self.daemon.end_clients()
        self.daemon.ctl("apply")

    def step_aliens(self, rnd):
        """More objects of somebody else, which stay as long as what they are in."""
        self.rest()
        free = [n for n in sorted(self.world["ns"]) if n not in self.aliens]
        if free and rnd.random() < 0.7:
            where = rnd.choice(free)
            print(f"    somebody else settles in {where}", flush=True)
            self.new_aliens(where)
            return
        where, name, link = rnd.choice(self.links_of_ours())
        guest = (where, name, f"192.0.2.{rnd.randint(100, 200)}/32")
        print(f"    an address of somebody else: {guest}", flush=True)
        if guest not in self.guests and kernel.run(where, ["ip", "addr", "add", guest[2], "dev", name]).returncode == 0:
            self.guests.add(guest)

    WEIGHTS = {"drift": 30, "change": 14, "confirm": 4, "atomic_failure": 3, "bad_file": 4, "kill": 5, "kill_at_work": 5,
               "freeze": 6, "down_up": 4, "add_del": 3, "clients": 4, "aliens": 4}

    def step(self, number):
        rnd = random.Random(f"{SEED}/{number}")
        kind = rnd.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))[0]
        print(f"step {number}: {kind}", flush=True)
        getattr(self, f"step_{kind}")(rnd)
        if rnd.random() < 0.4:
            self.rest()

    def begin(self):
        with open(f"{CONF}/netnsd.conf", "w", encoding="utf-8") as f:
            f.write("[Manager]\nAuditSec=50ms\nLogLevel=debug\n")
        if kernel.run("-", ["ip", "netns", "add", ALIEN]).returncode:
            raise Failure("no namespace of somebody else")
        self.new_aliens("-")
        self.new_aliens(ALIEN)
        world = self.generator.first(self.rnd)
        self.write(world)
        self.become(world)
        self.daemon.start()
        self.rest()

    def end(self):
        self.rest()
        self.daemon.stop()
        kernel.run("-", ["sh", "-c", f"""ip netns del {ALIEN}; ip link del alien0; ip rule del priority 9000
            ip route del blackhole 100.64.250.0/24 metric 77"""])

    def run(self):
        until = time.monotonic() + SECONDS
        self.begin()
        while self.steps < STEPS if STEPS else time.monotonic() < until:
            self.steps += 1
            self.step(self.steps)
        self.end()
        print(f"seed {SEED}: {self.steps} steps, {self.rests} times at rest and compared, {self.fights} fights")


def main():
    begin = time.monotonic()
    print(f"seed {SEED}", flush=True)
    chaos = Chaos()
    try:
        chaos.run()
    except (Failure, subprocess.TimeoutExpired) as e:
        print(f"FAILED after {time.monotonic() - begin:.0f} s: seed {SEED}, step {chaos.steps}: {e}", flush=True)
        for argv in (["list"], ["status", *sorted(chaos.world["ns"])], ["plan"]):
            if chaos.daemon.alive():
                print(subprocess.run([os.environ["NETNSCTL"], *argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                     text=True, timeout=30).stdout if not isinstance(e, subprocess.TimeoutExpired) else "")
        chaos.daemon.end_clients()
        if chaos.daemon.alive():
            chaos.daemon.process.kill()
        return 1
    return 0


sys.exit(main())

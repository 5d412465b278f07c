# SPDX-License-Identifier: LGPL-2.1-or-later
"""What containers must do, from their files and from what happens to them alone: netnsd has no say in it. A model
is made of plain values, so that one can be copied to see what would be."""
import copy
import random

NAMES = [f"k{i}" for i in range(8)]
POLICIES = ["no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"]
RESTARTS = {  # systemd.service(5)
    "no": (), "on-success": ("success",), "on-failure": ("exit-code", "signal", "core-dump", "watchdog"),
    "on-abnormal": ("signal", "core-dump", "watchdog"), "on-watchdog": ("watchdog",), "on-abort": ("signal", "core-dump"),
    "always": ("success", "exit-code", "signal", "core-dump", "watchdog"),
}
BURST = 3  # of those that never stay up


def new_spec(rnd, name, others):
    """others: the specs that it may need or share with; those that never stay up are nobody's."""
    kind = rnd.choices(["obey", "storm", "quits"], [10, 1, 1])[0]
    good = [s for s in others.values() if s["kind"] == "obey"]
    spec = {"name": name, "kind": kind, "ns": name, "requires": [], "after": [], "restart": rnd.choice(POLICIES),
            "delay": rnd.choice([20, 100, 300]), "ephemeral": rnd.random() < 0.5, "watchdog": rnd.random() < 0.4,
            "autostart": rnd.random() < 0.6, "generation": 0}
    if kind == "obey" and good:
        if rnd.random() < 0.35:
            spec["ns"] = rnd.choice(good)["ns"]
        if rnd.random() < 0.35:
            spec["requires"] = sorted(s["name"] for s in rnd.sample(good, min(len(good), rnd.randint(1, 2))))
            spec["after"] = [n for n in spec["requires"] if rnd.random() < 0.7]
        if rnd.random() < 0.2:
            spec["after"] = sorted(set(spec["after"]) | {rnd.choice(good)["name"]})
    return spec


def first_specs(rnd):
    specs = {}
    for name in NAMES[:6]:
        specs[name] = new_spec(rnd, name, specs)
    return specs


class Model:
    def __init__(self):
        self.specs, self.state = {}, {}
        self.resume, self.dirty, self.down = set(), set(), set()
        self.starts = {}  # of those with a limit, since the last reset
        self.begins = {}  # payloads begun since the last rest: {name: number}

    def copy(self):
        return copy.deepcopy(self)

    def running(self, ns=None):
        return [n for n, s in self.state.items() if s == "running" and (ns is None or self.specs[n]["ns"] == ns)]

    def needed_by(self, names):
        """Those that run and require one of these, and so on; with these."""
        found = [n for n in names if self.state[n] == "running"]
        for n in found:
            found += [o for o in self.running() if n in self.specs[o]["requires"] and o not in found]
        return found

    def groups(self):
        """Sets of names that have to do with each other."""
        left, found = set(self.specs), []
        while left:
            group = {min(left)}
            while True:
                more = {n for n in left for o in group if self.specs[n]["ns"] == self.specs[o]["ns"]
                        or n in self.specs[o]["requires"] or o in self.specs[n]["requires"]} | group
                if more == group:
                    break
                group = more
            left -= group
            found.append(sorted(group))
        return found

    # --- what is asked ---

    def begin(self, name):
        spec = self.specs[name]
        left = None if spec["kind"] == "obey" else BURST - self.starts.get(name, 0)
        if left == 0:  # refused at once
            self.state[name] = "failed"
            return
        for other in spec["requires"]:
            if self.state[other] != "running":
                self.begin(other)
        if spec["ns"] in self.down:
            self.up(spec["ns"])
        if self.state[name] == "running":
            return  # it came back with its namespace
        self.resume.discard(name)
        self.dirty.discard(name)
        if spec["kind"] == "obey":
            self.begins[name] = self.begins.get(name, 0) + 1
            self.state[name] = "running"
            return
        times = left if spec["kind"] == "storm" or "exit-code" in RESTARTS[spec["restart"]] else min(left, 1)
        self.begins[name] = self.begins.get(name, 0) + times
        self.starts[name] = self.starts.get(name, 0) + times
        self.state[name] = "failed"

    def start(self, name):
        if self.state[name] != "running":
            self.begin(name)

    def stop(self, name):
        self.resume.discard(name)
        for n in self.needed_by([name]):
            self.state[n] = "dead"

    def restart(self, name):
        self.restart_all([name])

    def restart_all(self, names):
        again = self.needed_by(names)
        for n in again:
            self.state[n] = "dead"
        for n in list(names) + again:
            if self.state[n] != "running":
                self.begin(n)

    def reset(self, name):
        self.starts.pop(name, None)
        if self.state[name] == "failed":
            self.state[name] = "dead"

    def take_down(self, ns):
        if ns in self.down:
            return
        here = self.running(ns)
        self.resume |= set(here)
        for n in self.needed_by(here):
            self.state[n] = "dead"
        self.down.add(ns)

    def up(self, ns):
        if ns not in self.down:
            return
        self.down.discard(ns)
        for n in [n for n in self.resume if self.specs[n]["ns"] == ns]:
            if n in self.resume:
                self.begin(n)

    def new_daemon(self):
        for ns in sorted(self.down):
            self.up(ns)

    # --- what happens ---

    def end(self, name, result):
        """By itself, while it runs. "reboot", "unknown": nobody could tell."""
        if result == "unknown":
            result = "exit-code"
        self.state[name] = "dead" if result == "success" else "failed"
        if result == "reboot" or result in RESTARTS[self.specs[name]["restart"]]:
            self.begin(name)

    def become(self, specs, restart):
        """Other files, and an apply."""
        for name in set(self.specs) - set(specs):
            for d in (self.state, self.starts):
                d.pop(name, None)
            self.resume.discard(name)
            self.dirty.discard(name)
        new = [n for n in specs if n not in self.specs]
        for name, spec in specs.items():
            if name in self.specs and spec["generation"] != self.specs[name]["generation"] and self.state[name] == "running":
                self.dirty.add(name)
        self.specs = specs
        for name in new:
            self.state[name] = "dead"
        if restart:
            self.restart_all([n for n in sorted(self.dirty) if self.state[n] == "running"])
        for name in new:
            if specs[name]["autostart"]:
                self.start(name)


def change(rnd, specs):
    """Other files, and what is other in them."""
    specs = copy.deepcopy(specs)
    needed = {n for s in specs.values() for n in s["requires"] + s["after"]} | \
        {s["ns"] for s in specs.values() if s["ns"] != s["name"]}
    absent = [n for n in NAMES if n not in specs]
    said = []
    for _ in range(rnd.randint(1, 3)):
        what = rnd.choice(["new", "gone", "settings", "settings", "policy"])
        name = rnd.choice(sorted(specs))
        if what == "new" and absent:
            name = absent.pop(0)
            specs[name] = new_spec(rnd, name, specs)
            needed |= set(specs[name]["requires"] + specs[name]["after"]) | {specs[name]["ns"]}
            said.append(f"{name} comes")
        elif what == "gone" and name not in needed and len(specs) > 4 and not any(s.startswith(name) for s in said):
            del specs[name]
            said.append(f"{name} goes")
        elif what == "policy":
            specs[name]["restart"] = rnd.choice(POLICIES)
            said.append(f"{name} Restart={specs[name]['restart']}")
        else:
            specs[name]["generation"] += 1
            said.append(f"{name} has other settings")
    return specs, ", ".join(said)


def pick(rnd, groups, most):
    """Some of the groups, and one name of each."""
    chosen = rnd.sample(groups, min(len(groups), rnd.randint(1, most)))
    return [rnd.choice(g) for g in chosen]


def seeded(*what):
    return random.Random("/".join(str(w) for w in what))

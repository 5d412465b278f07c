# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers as the kernel has them: what the sweep and the chaos of containers have in common. Roots and
files are made here as lib_container.sh makes them, in whose sandbox this runs; nothing is asked of netnsd."""
import collections
import glob
import os
import shutil

SANDBOX = "/run/sandbox"
MACHINES = f"{SANDBOX}/machines"
SHARED = f"{SANDBOX}/shared"
CONFIG = "/etc/netnsd"
CGROUPS = os.environ.get("NETNSD_TEST_CGROUP", "") + "/containers"
APPLETS = ("sh", "sleep", "cat", "ip", "dd", "rm", "test")

Process = collections.namedtuple("Process", "pid parent state started argv")
# nspawn: pid; leader: pid, payload: whether that is the payload already; started: of the leader, or of nspawn
Machine = collections.namedtuple("Machine", "nspawn leader payload started")


# --- roots and files ------------------------------------------------------------------------------


def write_file(path, text):
    """In one go."""
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path + ".new", path)


def make_root(name):
    """busybox and the payload; /shared is SHARED/NAME."""
    root = f"{MACHINES}/{name}"
    for directory in ("usr/bin", "usr/sbin", "etc", "proc", "sys", "dev", "tmp", "run", "var/lib", "root", "shared"):
        os.makedirs(f"{root}/{directory}", exist_ok=True)
    os.makedirs(f"{SHARED}/{name}", exist_ok=True)
    if not os.path.exists(f"{SANDBOX}/busybox"):
        shutil.copy("/bin/busybox", f"{SANDBOX}/busybox")
    for link, target in (("bin", "usr/bin"), ("sbin", "usr/sbin")):
        os.symlink(target, f"{root}/{link}")
    os.link(f"{SANDBOX}/busybox", f"{root}/usr/bin/busybox")
    os.link(f"{SANDBOX}/payload", f"{root}/payload")
    for applet in APPLETS:
        os.symlink("busybox", f"{root}/usr/bin/{applet}")
    write_file(f"{root}/etc/os-release", "ID=test\n")
    write_file(f"{root}/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    write_file(f"{root}/etc/machine-id", "")
    return root


def text(name, words, keys=(), root=None):
    """A .container file. keys: "Section.Key=value"; those of Container.* may replace Directory=."""
    sections = {"Container": [], "Exec": [f"Parameters=/payload {words}"], "Files": [f"Bind={SHARED}/{name}:/shared"],
                "Service": []}
    if not any(k.startswith("Container.Template=") for k in keys):
        sections["Container"].append(f"Directory={root or MACHINES + '/' + name}")
    for key in keys:
        section, rest = key.split(".", 1)
        sections[section].append(rest)
    return "".join(f"[{section}]\n" + "".join(line + "\n" for line in lines) for section, lines in sections.items())


def write_files(files):
    """Exactly these: {"x.netns": text, "y.container": text}. What is as it was is not touched."""
    for path in glob.glob(f"{CONFIG}/*.netns") + glob.glob(f"{CONFIG}/*.container"):
        if os.path.basename(path) not in files:
            os.unlink(path)
    for name, contents in files.items():
        write_file(f"{CONFIG}/{name}", contents)


# --- processes ------------------------------------------------------------------------------------


def process(pid):
    """None: there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            argv = f.read().decode(errors="replace").split("\0")[:-1]
    except (OSError, IndexError):
        return None
    return Process(int(pid), int(fields[1]), fields[0], int(fields[19]), argv)


def processes():
    found = (process(pid) for pid in os.listdir("/proc") if pid.isdigit())
    return {p.pid: p for p in found if p}


def machine_of(argv):
    for word in argv:
        if word.startswith("--machine="):
            return word[len("--machine="):]
    return None


def inner_pids(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as f:
            for line in f:
                if line.startswith("NSpid:"):
                    return [int(word) for word in line.split()[1:]]
    except OSError:
        pass
    return []


def exe(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


def is_nspawn(p):
    return p.argv and p.argv[0].endswith("/systemd-nspawn") and p.state not in "ZX"


def machines():
    """{name: [Machine]} of all systemd-nspawn that run; not what they fork, which looks alike at first."""
    all_ = processes()
    children = collections.defaultdict(list)
    for p in all_.values():
        children[p.parent].append(p)
    found = {}
    for p in all_.values():
        if not is_nspawn(p) or (p.parent in all_ and is_nspawn(all_[p.parent])):
            continue
        leader = next((c for c in children[p.pid] if inner_pids(c.pid)[1:] == [1] and c.state not in "ZX"), None)
        found.setdefault(machine_of(p.argv), []).append(
            Machine(p.pid, leader.pid if leader else None, bool(leader) and exe(leader.pid) not in (None, exe(p.pid)),
                    leader.started if leader else p.started))
    return found


def inits():
    """{(device, inode) of a root: [pid]}: each process that is PID 1 of a namespace below ours, by its root."""
    found = {}
    for pid in (int(n) for n in os.listdir("/proc") if n.isdigit()):
        if inner_pids(pid)[1:] != [1]:
            continue
        p = process(pid)
        try:
            st = os.stat(f"/proc/{pid}/root/")
        except OSError:
            continue
        if p and p.state not in "ZX":
            found.setdefault((st.st_dev, st.st_ino), []).append(pid)
    return found


def cgroup_pids(name):
    found = []
    for directory, _, files in os.walk(f"{CGROUPS}/{name}"):
        if "cgroup.procs" in files:
            try:
                with open(f"{directory}/cgroup.procs", encoding="ascii") as f:
                    found += [int(line) for line in f]
            except OSError:  # removed meanwhile
                pass
    return found


# --- what is left ---------------------------------------------------------------------------------


def names_in(directory):
    try:
        return sorted(os.listdir(directory))
    except FileNotFoundError:
        return []


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return [line.split()[4] for line in f]


def remains(running, declared, ours=()):
    """What belongs to no container that runs: texts. ours: processes that the test itself keeps."""
    found = []
    for directory in (CGROUPS, "/run/netnsd/containers", "/run/netnsd/notify", "/run/systemd/nspawn/unix-export",
                      "/run/systemd/nspawn/propagate"):
        found += [f"{directory}/{name}" for name in names_in(directory) if name not in running
                  and (directory != CGROUPS or os.path.isdir(f"{directory}/{name}"))]
    for path in mounts():
        parts = path.split("/")
        if path.startswith("/run/netnsd/") and (len(parts) < 5 or parts[3] != "containers" or parts[4] not in running):
            found.append(f"a mount on {path}")
        if path.startswith("/run/systemd/nspawn/") and parts[-1] not in running and len(parts) > 5:
            found.append(f"a mount on {path}")
    for name in names_in("/run/netnsd/state"):
        if name.endswith(".new") or (name.endswith(".record") and name[:-len(".record")] not in declared):
            found.append(f"/run/netnsd/state/{name}")
    for directory in (MACHINES, "/run/netnsd", "/var/tmp"):
        for path, directories, files in os.walk(directory):
            found += [f"{path}/{name}" for name in directories + files if name.startswith(".#")
                      and not is_of(path, name, running)]
            if path.count("/") - directory.count("/") >= 1 or path.startswith("/run/netnsd/containers"):
                directories.clear()
    return found + strangers(running, ours)


def is_of(path, name, running):
    """nspawn's lock beside the root of one that runs."""
    return path == MACHINES and name.endswith(".lck") and any(r in name for r in running)


def strangers(running, ours):
    """Processes that belong neither to the test nor to a container that runs."""
    known = set(ours) | {1, os.getpid(), os.getppid()}
    for name in running:
        known |= set(cgroup_pids(name))
    found = []
    for p in processes().values():
        if p.pid in known or p.state in "ZX" or not p.argv:
            continue
        if p.parent == os.getpid() and not is_nspawn(p):
            continue
        found.append(f"process {p.pid} {' '.join(p.argv)[:160]}")
    return found

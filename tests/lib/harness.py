# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the sweep and the chaos test have in common: the daemon as a child, Varlink, a tracer that makes
system calls fail, and the kernel's view of all namespaces. Runs inside the sandbox of
tests/integration/lib.sh. Nothing here sleeps to wait: every wait is for an event, with a limit."""
import ctypes
import glob
import json
import os
import re
import select
import signal
import socket
import subprocess
import time

NETNSD = os.environ["NETNSD"]
CGROUP = os.environ.get("NETNSD_TEST_CGROUP")  # of the daemon; none: that of the test
CONFIG = "/etc/netnsd"
WORK = "/run/sandbox"
LIMIT = 60.0  # seconds in which every answer must be there
LINK_GROUP = 0x6E657473
# Not that it cannot look for leaks in a program that is traced.
SANITIZER = re.compile(r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer(?! has enc| does not work)|runtime error:")
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


class Trouble(Exception):
    """The daemon did what it must not do."""


class Told(Trouble):
    """It says itself that something does not work."""


class Gone(Exception):
    """The daemon ended, or closed the connection."""


# --- the daemon -----------------------------------------------------------------------------------


class Daemon:
    """netnsd as a child. The first lines of its life can be traced: see start(held=True)."""

    def __init__(self):
        self.process = None
        self.log_path = f"{WORK}/daemon.log"
        self.log_from = 0
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = f"{WORK}/notify"
        if os.path.exists(path):
            os.unlink(path)
        self.notify.bind(path)
        self.notify.setblocking(False)
        self.environment = dict(os.environ, NOTIFY_SOCKET=path)
        self.connection = None

    def start(self, held=False, environment=()):
        """Starts it; when held, it is stopped just before its first instruction."""
        while self.drain_notify():
            pass
        log = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        # As under systemd, so that each line of the log begins with its level.
        st = os.fstat(log)
        env = dict(self.environment, JOURNAL_STREAM=f"{st.st_dev}:{st.st_ino}", **dict(environment))
        first = [f'echo 0 >"{CGROUP}/cgroup.procs"'] if CGROUP else []
        first += ["kill -STOP $$"] if held else []
        command = ["/bin/sh", "-c", "; ".join(first + ['exec "$0"']), NETNSD] if first else [NETNSD]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        os.close(log)
        self.pidfd = os.pidfd_open(self.process.pid)
        if held:
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    @property
    def pid(self):
        return self.process.pid

    def drain_notify(self):
        try:
            return self.notify.recv(65536).decode()
        except BlockingIOError:
            return None

    def wait_ready(self):
        """True when it says READY=1, False when it ends."""
        deadline = time.monotonic() + LIMIT
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Trouble(f"neither ready nor ended within {LIMIT:.0f} seconds")
            readable, _, _ = select.select([self.notify, self.pidfd], [], [], left)
            if self.notify in readable:
                message = self.drain_notify()
                if message and "READY=1" in message.split("\n"):
                    return True
            elif self.pidfd in readable:
                return False

    def has_ended(self):
        return not self.process or bool(select.select([self.pidfd], [], [], 0)[0])

    def collect(self):
        """Its exit status, as subprocess has it: below 0 a signal."""
        if not select.select([self.pidfd], [], [], LIMIT)[0]:
            raise Trouble("does not end")
        status = self.process.wait()
        os.close(self.pidfd)
        self.process = None
        self.disconnect()
        return status

    def kill(self):
        if self.process:
            self.process.kill()
            self.collect()

    def stop(self):
        self.process.terminate()
        return self.collect()

    def log(self):
        """What was logged since forget_log()."""
        with open(self.log_path, "r", errors="replace") as f:
            f.seek(self.log_from)
            return f.read()

    def forget_log(self):
        self.log_from = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0

    def threads(self):
        """(thread of the loop, [those of the workers])"""
        workers = []
        for task in sorted(os.listdir(f"/proc/{self.pid}/task"), key=int):
            with open(f"/proc/{self.pid}/task/{task}/comm") as f:
                if f.read().strip() == "netnsd-worker":
                    workers.append(int(task))
        return self.pid, workers

    def strayed(self):
        """Threads that are not in the namespace they began in."""
        home = os.stat("/proc/self/ns/net").st_ino
        loop, workers = self.threads()
        return [t for t in [loop] + workers if os.stat(f"/proc/{self.pid}/task/{t}/ns/net").st_ino != home]

    def where(self):
        """What its threads wait in."""
        found = []
        for task in glob.glob(f"/proc/{self.pid}/task/*"):
            with open(task + "/syscall", encoding="ascii") as s, open(task + "/wchan", encoding="ascii") as w:
                found.append(f"thread {os.path.basename(task)} in call {s.read().split()[0]} ({w.read()})")
        return ", ".join(found)

    def descriptors(self):
        found = []
        for f in glob.glob(f"/proc/{self.pid}/fd/*"):
            try:
                found.append(os.readlink(f))
            except FileNotFoundError:  # closed meanwhile
                pass
        return sorted(re.sub(r"\[\d+\]", "", f) for f in found)

    # --- Varlink ---

    def disconnect(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def send(self, method, **parameters):
        more = parameters.pop("_more", False)
        self.asked = method
        call = {"method": "io.netnsd." + method, "parameters": parameters}
        if more:
            call["more"] = True
        try:
            if not self.connection:
                self.connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self.connection.connect("/run/netnsd/io.netnsd")
                self.buffer = b""
            self.connection.sendall(json.dumps(call).encode() + b"\0")
        except OSError as error:
            self.disconnect()
            raise Gone(str(error)) from error

    def receive(self, limit=LIMIT):
        """One reply."""
        deadline = time.monotonic() + limit
        while b"\0" not in self.buffer:
            left = max(0, deadline - time.monotonic())
            # The daemon blocks when nobody reads what it tells systemd.
            readable, _, _ = select.select([self.connection, self.pidfd, self.notify], [], [], left)
            if self.notify in readable:
                self.drain_notify()
                continue
            if not readable:
                self.disconnect()
                raise Trouble(f"{self.asked}: no answer within {limit:.0f} seconds; {self.where()}")
            if self.connection not in readable:
                self.disconnect()
                raise Gone("the daemon ended")
            try:
                data = self.connection.recv(65536)
            except OSError:
                data = b""
            if not data:
                self.disconnect()
                raise Gone("the connection was closed")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.send(method, **parameters)
        return self.receive()

    def list(self, what="Namespace", none=None):
        """{name: runtime}; none: the error that stands for an empty list."""
        self.send(what + ".List", _more=True)
        found = {}
        while True:
            reply = self.receive()
            if "error" in reply:
                if none and none in reply["error"]:
                    return found
                raise Told(f"List: {reply}")
            entry = reply.get("parameters", {})
            if entry.get("name"):
                found[entry["name"]] = entry.get("runtime") or {}
            if not reply.get("continues"):
                return found

    def list_containers(self):
        return self.list("Container", none="NoSuchContainer")

    def plan(self):
        reply = self.call("Manager.Plan")
        if "error" in reply:
            return [json.dumps(reply)]
        return [f"{a['operation']} {a['namespace']} {a['text']} ({a.get('reason')})" for a in
                reply["parameters"]["actions"]]


def sanitizer_report(text):
    return "\n".join(line for line in text.splitlines() if SANITIZER.search(line))


# --- the tracer -----------------------------------------------------------------------------------


class Tracer:
    """strace on threads of the daemon; follow: on all of its threads, and those to come. Counts are per thread."""

    def __init__(self, threads, arguments, follow=False, output="/dev/null"):
        command = ["strace", "-o", output] + arguments + (["-f"] if follow else [])
        for t in threads:
            command += ["-p", str(t)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE)
        # It says "strace: Process N attached" once each is stopped and traced.
        attached, text = 0, b""
        while attached < len(threads):
            data = os.read(self.process.stderr.fileno(), 4096)
            if not data:
                raise RuntimeError(f"strace: {text.decode()}")
            text += data
            attached = text.count(b" attached")

    def detach(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.stderr.close()
        self.process.wait()


class Fork:
    """Holds the next child of a thread before its first instruction: with Fork(thread) as f, then f.child().
    The thread itself runs on as it would. strace cannot do that: it counts the parent's calls as well."""

    SEIZE, GETEVENTMSG, CONT, DETACH, INTERRUPT = 0x4206, 0x4201, 7, 17, 0x4207
    TRACEFORK, EVENT_FORK, WALL = 2, 1, 0x40000000

    def __init__(self, thread):
        self.thread = thread

    def __enter__(self):
        self.ptrace(self.SEIZE, self.thread, self.TRACEFORK)
        return self

    def __exit__(self, *_):
        if self.thread:
            self.ptrace(self.INTERRUPT, self.thread)
            os.waitpid(self.thread, self.WALL)
            self.ptrace(self.DETACH, self.thread)

    @staticmethod
    def ptrace(request, pid, data=0):
        LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
        if LIBC.ptrace(request, pid, None, data) < 0:
            raise OSError(ctypes.get_errno(), f"ptrace {request}")

    def child(self):
        """Its pid. It is stopped, as by SIGSTOP, so that somebody else can trace it."""
        status = self.stop()
        while status >> 16 != self.EVENT_FORK:
            # A signal on its way to the thread; other stops there are none.
            self.ptrace(self.CONT, self.thread, 0 if status >> 16 else os.WSTOPSIG(status))
            status = self.stop()
        message = ctypes.c_ulong()
        self.ptrace(self.GETEVENTMSG, self.thread, ctypes.addressof(message))
        child = message.value
        os.waitpid(child, self.WALL)
        os.kill(child, signal.SIGSTOP)
        self.ptrace(self.DETACH, child)
        self.ptrace(self.DETACH, self.thread)
        self.thread = None
        return child

    def stop(self):
        """Why it stopped, as waitpid() has it."""
        def look():
            pid, status = os.waitpid(self.thread, os.WNOHANG | self.WALL)
            return pid and status
        status = wait_until(look)
        if not status or not os.WIFSTOPPED(status):
            raise Trouble(f"forks no child; status {status}")
        return status


# --- the kernel's view ----------------------------------------------------------------------------


def names():
    try:
        return sorted(n for n in os.listdir("/run/netns"))
    except FileNotFoundError:
        return []


def inode(name):
    return os.stat(f"/run/netns/{name}").st_ino


def is_namespace(name):
    """Whether a namespace is mounted there: those lie on a device of their own."""
    try:
        return os.stat(f"/run/netns/{name}").st_dev != os.stat("/run/netns").st_dev
    except FileNotFoundError:  # it went since it was listed
        return False


class inside:
    """with inside(NAME): this thread, and what it starts, is in that namespace. None: stays."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        if self.name is None:
            return
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        fd = os.open(f"/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if LIBC.setns(fd, CLONE_NEWNET) < 0:
                os.close(self.home)
                raise OSError(ctypes.get_errno(), "setns", self.name)
        finally:
            os.close(fd)

    def __exit__(self, *_):
        if self.name is not None:
            if LIBC.setns(self.home, CLONE_NEWNET) < 0:
                os.abort()
            os.close(self.home)


def ip_batch(commands, *options):
    """One run of ip for several commands: a list of what each printed."""
    run = subprocess.run(["ip", *options, "-j", "-d", "-b", "-"], input="\n".join(commands) + "\n",
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"ip: {run.stderr}")
    decoder, found, text = json.JSONDecoder(), [], run.stdout.lstrip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    return found


def view_link(raw):
    """What must be the same for the same configuration: nothing that counts, or follows carrier."""
    info = raw.get("linkinfo", {})
    data = {k: v for k, v in info.get("info_data", {}).items()
            if not re.search(r"timer|_id$|topology|root_|change|fdb_|bridge", k)}
    return {
        "kind": info.get("info_kind"), "mtu": raw["mtu"], "up": "UP" in raw["flags"],
        "mac": raw.get("address"), "master": raw.get("master"), "group": raw.get("group"),
        "alias": raw.get("ifalias"), "altnames": sorted(raw.get("altnames", [])), "data": data,
        "parent": raw.get("link"), "addrgen": raw.get("inet6_addr_gen_mode"), "index": raw["ifindex"],
        "addresses": [],
    }


def view_addresses(raw):
    return sorted(f"{a['local']}/{a['prefixlen']} {a.get('protocol', '')}".strip() for a in raw.get("addr_info", [])
                  if "local" in a and not a["local"].startswith("fe80:"))


def view_route(raw):
    dst = raw.get("dst", "")
    if dst.startswith(("fe80:", "ff00:", "multicast")) or raw.get("table") == "local":
        return None
    hops = " ".join(sorted(f"{h.get('gateway')} {h.get('dev')} {h.get('weight')}" for h in raw.get("nexthops", [])))
    return (f"{raw.get('type', '')} {dst} via {raw.get('gateway')} dev {raw.get('dev')} "
            f"metric {raw.get('metric')} table {raw.get('table')} proto {raw.get('protocol')} "
            f"src {raw.get('prefsrc')} {hops}").strip()


def view_rule(raw, family):
    return (f"{family} {raw.get('priority')} from {raw.get('src')}/{raw.get('srclen', '')} to {raw.get('dst')} "
            f"table {raw.get('table')} action {raw.get('action')} proto {raw.get('protocol')}")


def view_namespace(name, sysctls=()):
    """One namespace, None for the host's, as `ip -j -d` shows it."""
    with inside(name):
        addresses, links, routes, rules, neighbours = ip_batch(
            ["addr show", "link show", "route show table all", "rule show", "neigh show nud permanent"])
        rules6 = ip_batch(["rule show"], "-6")[0]
        values = {s: read_sysctl(s) for s in sysctls}
    views = {}
    for link in links:
        views[link["ifname"]] = view_link(link)
    for link in addresses:
        if link and link["ifname"] in views:
            views[link["ifname"]]["addresses"] = view_addresses(link)
    routes = [view_route(r) for r in routes]
    return {
        "links": views,
        "routes": sorted(r for r in routes if r),
        "rules": sorted([view_rule(r, 4) for r in rules] + [view_rule(r, 6) for r in rules6]),
        "neighbours": sorted(f"{n['dst']} {n.get('lladdr')} {n['dev']}" for n in neighbours),
        "sysctls": values,
    }


def read_sysctl(path):
    try:
        with open(f"/proc/sys/{path}", encoding="ascii") as f:
            return f.read().strip()
    except OSError:
        return None


def view_files():
    """The files we make for a namespace, with what is in them."""
    found = {}
    for directory, _, files in os.walk("/etc/netns"):
        for name in files:
            with open(f"{directory}/{name}", encoding="utf-8") as f:
                found[f"{directory}/{name}"] = f.read()
        if not files and directory != "/etc/netns":
            found[directory] = None
    return found


def view(sysctls=()):
    """Everything: {"names": {NAME: ...}, "host": ..., "files": ...}"""
    found = {"names": {}, "host": view_namespace(None, sysctls), "files": view_files()}
    for name in names():
        found["names"][name] = view_namespace(name, sysctls) if is_namespace(name) else "no namespace"
    return found


def without_indexes(v):
    """For comparing what was made at different times."""
    v = json.loads(json.dumps(v))
    for ns in list(v["names"].values()) + [v["host"]]:
        for link in ns["links"].values() if isinstance(ns, dict) else ():
            link.pop("index")
    return v


def difference(a, b, path=""):
    """The first places where two views differ, for people."""
    if isinstance(a, dict) and isinstance(b, dict):
        found = []
        for key in sorted(set(a) | set(b)):
            if key not in a:
                found.append(f"{path}/{key}: not expected: {json.dumps(b[key])[:200]}")
            elif key not in b:
                found.append(f"{path}/{key}: missing, expected {json.dumps(a[key])[:200]}")
            else:
                found += difference(a[key], b[key], f"{path}/{key}")
        return found
    if isinstance(a, list) and isinstance(b, list):
        return [f"{path}: missing {x}" for x in a if x not in b] + [f"{path}: not expected {x}" for x in b if x not in a]
    return [] if a == b else [f"{path}: expected {json.dumps(a)[:200]}, is {json.dumps(b)[:200]}"]


def leftovers():
    """What must not be there when nothing is declared."""
    found = [f"a name: {n}" for n in names()]
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        found += [f"a mount: {line.split()[4]}" for line in f if " - nsfs " in line]
    for link in ip_batch([f"link show group {LINK_GROUP}"])[0]:
        if link:
            found.append(f"a link on the host: {link['ifname']}")
    found += [f"a file: {f}" for f in view_files()]
    found += [f"a file: {f}" for f in glob.glob("/run/netnsd/transient/*")]
    return found


def wait_until(condition, limit=LIMIT):
    """For what the kernel does after its answer, and tells nobody: polls. The last answer."""
    deadline = time.monotonic() + limit
    while True:
        answer = condition()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(0.005)


def write_files(files):
    """Exactly these namespaces are declared from now on."""
    for path in glob.glob(f"{CONFIG}/*.netns"):
        if os.path.basename(path)[:-len(".netns")] not in files:
            os.unlink(path)
    for name, text in files.items():
        with open(f"{CONFIG}/{name}.netns", "w", encoding="utf-8") as f:
            f.write(text)

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Varlink server that says what it is told, for tests of netnsctl.

fake_server.py SOCKET SCRIPT LOG: SCRIPT is JSON, {"METHOD": [MESSAGE, ...]}. A call is answered with
these messages as they stand; the string "close" hangs up, a number waits so many seconds. What a
client sends goes to LOG, one message a line. Prints "listening" when it does.
"""
import json
import os
import socket
import sys
import threading
import time


def answer(conn, call, script):
    if call.get("oneway"):
        return True
    unknown = {"error": "org.varlink.service.MethodNotFound", "parameters": {"method": call["method"]}}
    for message in script.get(call["method"], [unknown]):
        if message == "close":
            return False
        if isinstance(message, (int, float)):
            time.sleep(message)
        else:
            conn.sendall(json.dumps(message).encode() + b"\0")
    return True


def serve(conn, script_path, log_path):
    pending = b""
    with conn:
        while data := conn.recv(65536):
            pending += data
            while b"\0" in pending:
                raw, pending = pending.split(b"\0", 1)
                with open(log_path, "a", encoding="utf-8") as log:
                    log.write(raw.decode() + "\n")
                with open(script_path, encoding="utf-8") as f:
                    script = json.load(f)
                try:
                    if not answer(conn, json.loads(raw), script):
                        return
                except OSError:
                    return


def main():
    path, script_path, log_path = sys.argv[1:4]
    server = socket.socket(socket.AF_UNIX)
    if os.path.exists(path):
        os.unlink(path)
    server.bind(path)
    os.chmod(path, 0o666)
    server.listen()
    print("listening", flush=True)
    while True:
        conn, _ = server.accept()
        threading.Thread(target=serve, args=(conn, script_path, log_path), daemon=True).start()


main()

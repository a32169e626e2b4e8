#!/usr/bin/env python3
"""Makes a golden repository: make.py CAIRN OUTPUT_FOLDER

Only for a new version of the format. What stands here was made once by the first program that wrote
it, and is read by every later one.
"""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

PASSPHRASE = "golden"


def text(seed, lines):
    """Lines that compress well and repeat nowhere."""
    return b"".join(
        b"%d %s\n" % (i, hashlib.sha256(b"%d %d" % (seed, i)).hexdigest()[:8].encode()) for i in range(lines)
    )


def put(path, data, mode=0o644, mtime_ns=1_600_000_000_123_456_789):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)
    os.utime(path, ns=(mtime_ns, mtime_ns))


def make_tree(root):
    put(root + "/empty file", b"")
    put(root + "/small", b"golden\n", 0o600, -1_500_000_001)
    put(root + "/setuid", b"#!/bin/sh\n", 0o4755)
    put(root + "/docs/long", text(1, 12000))
    put(root + "/docs/same as long", text(1, 12000))
    put(root.encode() + b"/name \xff\n", b"bytes")
    for i in range(400):
        put(root + "/many/%03d" % i, b"%d" % i)
    page = bytearray(4096)
    page[:16] = b"SQLite format 3\0"
    page[16:18] = (4096).to_bytes(2, "big")
    put(root + "/pages.db", bytes(page) + b"".join(b"%-4096d" % i for i in range(63)))
    with open(root + "/holes", "wb") as file:
        file.truncate(3_000_000)
        file.seek(1_048_576)
        file.write(b"between")
    os.utime(root + "/holes", ns=(10**18, 10**18))
    os.symlink("../nowhere", root + "/link")
    os.link(root + "/small", root + "/docs/small again")
    os.mkfifo(root + "/pipe", 0o640)
    os.makedirs(root + "/empty folder", 0o711)


def describe(root):
    """One line for each object: what a restore must bring back."""
    lines = []
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in folders + files:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            kind = {0o040: "folder", 0o100: "file", 0o120: "symlink", 0o010: "fifo"}[status.st_mode >> 12 << 3]
            content = "-"
            if kind == "file":
                with open(path, "rb") as file:
                    content = hashlib.blake2b(file.read(), digest_size=32).hexdigest()
            elif kind == "symlink":
                content = os.fsdecode(os.readlink(path))
            relative = os.path.relpath(path, os.fsencode(root)).hex()
            mode = "-" if kind == "symlink" else "%o" % (status.st_mode & 0o7777)
            mtime = "-" if kind == "folder" else status.st_mtime_ns
            lines.append(f"{relative} {kind} {mode} {mtime} {content}\n")
    return "".join(sorted(lines))


def main():
    cairn, output = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    shutil.rmtree(output + "/repository", ignore_errors=True)
    with tempfile.TemporaryDirectory() as work:
        environment = dict(
            os.environ,
            CAIRN_REPOSITORY=output + "/repository",
            CAIRN_CACHE_DIR=work + "/cache",
            CAIRN_KEY_FILE=output + "/key",
            CAIRN_NEW_PASSWORD=PASSPHRASE,
            HOME=work,
        )
        with open(output + "/key", "wb") as file:
            file.write(bytes(range(32)))

        def run(*words, **options):
            subprocess.run([cairn, *words], env=environment, check=True, **options)

        # A path that is the same wherever this runs.
        tree = "/tmp/golden"
        os.mkdir(tree)
        try:
            run("init")
            run("key", "add", "--name", "passphrase")
            make_tree(tree)
            run("backup", tree, "--tag", "first", "--name", "golden", "--type", "daily", "--description", "v1")
            with open(output + "/first.txt", "w") as file:
                file.write(describe(tree))
            put(tree + "/docs/long", text(1, 6000) + b"changed\n" + text(1, 12000)[-90000:])
            put(tree + "/many/100a", b"between")
            os.unlink(tree + "/setuid")
            run("backup", tree, "--tag", "second")
            with open(output + "/second.txt", "w") as file:
                file.write(describe(tree))
        finally:
            shutil.rmtree(tree)
        run("backup", "--stdin", "--stdin-name", "stream", input=b"from a pipe")
        run("verify", "--check-integrity")


main()

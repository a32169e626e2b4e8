#!/usr/bin/env python3
"""Makes a golden repository: make_golden.py CAIRN OUTPUT_FOLDER v1|v2, as root

Only for a new version of the format, or of a record. What stands here was made once by the first
program that wrote it, and is read by every later one. v1 is made differently by later programs:
their manifests have version 2.
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


def make_tree_with_choices(root):
    """Two sources below folders with modes and times of their own, and what a backup leaves out."""
    ada, data = root + "/home/ada", root + "/srv/data"
    put(ada + "/letter", b"golden\n", 0o600)
    put(ada + "/notes.tmp", b"left out by a pattern")
    put(ada + "/kept.tmp", b"taken back by a pattern")
    put(ada + "/secret/diary", b"left out by the rewriting")
    put(ada + "/cache/CACHEDIR.TAG", b"Signature: 8a477f597d28d172789f06886806bc55\n")
    put(ada + "/cache/page", b"left out for the tag beside it")
    put(data + "/table", text(2, 2000))
    put(data + "/huge", bytes(300_000))
    put(data + "/scratch/.nobackup", b"")
    put(data + "/scratch/heap", b"left out for the name beside it")
    os.symlink("../../srv/data", ada + "/data")
    os.setxattr(root + "/srv", "user.purpose", b"golden")
    # Each once all that is in it is there.
    modes = {ada + "/secret": 0o700, ada + "/cache": 0o755, ada: 0o750, root + "/home": 0o711}
    modes |= {data + "/scratch": 0o1777, data: 0o755, root + "/srv": 0o1775, root: 0o751}
    for number, (path, mode) in enumerate(modes.items()):
        os.chmod(path, mode)
        os.utime(path, ns=2 * (1_500_000_000_000_000_001 + number * 10**9,))


def describe(root, left_out=()):
    """One line for each object: what a restore must bring back."""
    lines = []
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in folders + files:
            path = os.path.join(folder, name)
            if os.fsdecode(os.path.relpath(path, os.fsencode(root))) in left_out:
                continue
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


def write(path, content):
    with open(path, "w") as file:
        file.write(content)


def make_v1(run, tree, output):
    make_tree(tree)
    run("backup", tree, "--tag", "first", "--name", "golden", "--type", "daily", "--description", "v1")
    write(output + "/first.txt", describe(tree))
    put(tree + "/docs/long", text(1, 6000) + b"changed\n" + text(1, 12000)[-90000:])
    put(tree + "/many/100a", b"between")
    os.unlink(tree + "/setuid")
    run("backup", tree, "--tag", "second")
    write(output + "/second.txt", describe(tree))
    run("backup", "--stdin", "--stdin-name", "stream", input=b"from a pipe")


def make_v2(run, tree, output):
    make_tree_with_choices(tree)
    left_out = ["home/ada/notes.tmp", "home/ada/cache/page", "srv/data/huge", "srv/data/scratch/heap"]
    choices = ["--exclude", "*.tmp", "--include", "kept.tmp", "--exclude-caches", "--one-file-system"]
    choices += ["--exclude-if-present", ".nobackup", "--exclude-larger-than", "256K"]
    run("backup", tree + "/home/ada", tree + "/srv/data", "--tag", "first", *choices)
    write(output + "/first.txt", describe(tree, left_out))
    run("rewrite", "--exclude", "secret/")
    write(output + "/rewritten.txt", describe(tree, left_out + ["home/ada/secret", "home/ada/secret/diary"]))
    # Nothing lies above it and nothing is left out: the manifest has version 1.
    run("backup", "--stdin", "--stdin-name", "stream", "--tag", "stream", input=b"from a pipe")
    run("key", "export", "--output", output + "/keys.txt")


def main():
    cairn, output, version = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3]
    os.makedirs(output, exist_ok=True)
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
        put(output + "/key", bytes(range(32)), 0o600)

        def run(*words, **options):
            subprocess.run([cairn, *words], env=environment, check=True, **options)

        # A path that is the same wherever this runs.
        tree = "/tmp/golden"
        os.mkdir(tree)
        try:
            run("init")
            run("key", "add", "--name", "passphrase")
            {"v1": make_v1, "v2": make_v2}[version](run, tree, output)
        finally:
            shutil.rmtree(tree)
        run("verify", "--check-integrity")
        os.remove(output + "/repository/reserve")  # bytes without a meaning


main()

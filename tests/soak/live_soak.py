#!/usr/bin/env python3
"""Backs up files that other processes replace and rewrite all the time.

Half of the files are replaced by rename, as careful programs write their state; the others are
rewritten in place. Every file consists of one line many times over, so that a mixture of two of its
states shows. After each backup the snapshot is restored and looked at:

* every file is there: all of them exist from the first moment to the last;
* a file that was replaced by rename is whole;
* a file that is not whole was named, and the exit status was 3.

    live_soak.py --cairn build/release/cli/cairn --backups 100 --seed 1
"""

import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

LINES = 400


def text_of(name, version):
    return (f"{name} {version:08d}\n" * LINES).encode()


def write_for_ever(folder, names, seed, parent):
    """Until whoever started it is gone."""
    rng = random.Random(seed)
    version = 0
    while os.getppid() == parent:
        version += 1
        name = rng.choice(names)
        if name.startswith("renamed"):
            beside = folder / f".{name}.{seed}"
            beside.write_bytes(text_of(name, version))
            os.rename(beside, folder / name)
        else:
            with open(folder / name, "r+b") as file:
                file.write(text_of(name, version))
        time.sleep(0.0005)


def start_writer(folder, names, seed):
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            write_for_ever(folder, names, seed, parent)
        finally:
            os._exit(0)
    return child


def mistakes(source, restored, names, status, messages):
    """What is wrong with one snapshot; and how many files were named as torn."""
    found = []
    torn = 0
    for name in names:
        path = restored / name
        if not path.exists():
            found.append(f"{name} is missing")
            continue
        lines = path.read_bytes().splitlines()
        is_whole = len(lines) == LINES and len(set(lines)) == 1
        is_named = f"{source / name} " in messages
        torn += is_named
        if is_whole:
            continue
        if name.startswith("renamed"):
            found.append(f"{name} is not whole, though it always was")
        elif not is_named or status != 3:
            found.append(f"{name} is not whole; named: {is_named}, exit status {status}")
    if torn == 0 and status != 0:
        found.append(f"exit status {status} though nothing was named: {messages[-300:]}")
    return found, torn


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cairn", default="cairn")
    parser.add_argument("--backups", type=int, default=100)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    work = pathlib.Path(tempfile.mkdtemp(prefix="cairn-live-"))
    environment = dict(os.environ, CAIRN_REPOSITORY=str(work / "repo"), CAIRN_CACHE_DIR=str(work / "cache"),
                       CAIRN_PASSWORD="soak")
    source = work / "source"
    source.mkdir()
    names = [("renamed" if i % 2 else "rewritten") + f"-{i:04d}" for i in range(arguments.files)]
    for name in names:
        (source / name).write_bytes(text_of(name, 0))
    cairn = os.path.abspath(arguments.cairn) if os.sep in arguments.cairn else arguments.cairn
    writers = []
    wrong = torn = partial = 0
    try:
        subprocess.run([cairn, "init", "-q"], env=environment, check=True)
        # A file has one writer, so that it is whole whenever nobody writes to it.
        for part in range(4):
            writers.append(start_writer(source, names[part::4], arguments.seed * 100 + part))
        for number in range(arguments.backups):
            run = subprocess.run([cairn, "backup", "-q", str(source)], env=environment, text=True,
                                 capture_output=True, errors="replace")
            restored = work / "restored"
            shutil.rmtree(restored, ignore_errors=True)
            if run.returncode not in (0, 3):
                wrong += 1
                print(f"backup {number}: exit status {run.returncode}: {run.stderr[-500:]}")
                continue
            subprocess.run([cairn, "restore", "-q", f"latest:{source}", "--target", str(restored)],
                           env=environment, stderr=subprocess.DEVNULL)
            found, named = mistakes(source, restored, names, run.returncode, run.stderr)
            wrong += len(found)
            torn += named
            partial += run.returncode == 3
            for mistake in found:
                print(f"backup {number}: {mistake}")
        print(f"{arguments.backups} backups of {arguments.files} files: {wrong} mistakes; "
              f"{torn} files named as changing, exit status 3 {partial} times")
    finally:
        for writer in writers:
            os.kill(writer, 9)
            os.waitpid(writer, 0)
        shutil.rmtree(work, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

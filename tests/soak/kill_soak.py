#!/usr/bin/env python3
"""Writers, collectors, a forgetter and a reader at one repository, killed at random moments.

Not part of the test suite: it takes as long as it is told to, and no two runs are alike. Each client
is a loop of processes of its own with a cache folder of its own; most of them end by SIGKILL. What
a backup has reported as done must be restored bit by bit until it is forgotten, no command may fail
otherwise than by the signal, and in the end nothing is left that a hand must remove.

    tests/soak/kill_soak.py --cairn build/release/cli/cairn --folder /tmp/soak --seconds 1800

Exit status 0 if all of this held; figures on standard output.
"""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import threading
import time


def digests(folder):
    """Path below the folder -> digest of each file's bytes."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if path.is_file():
            found[str(path.relative_to(folder))] = hashlib.blake2b(path.read_bytes()).hexdigest()
    return found


class Soak:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(options.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "key").write_bytes(os.urandom(32))
        self.end = time.monotonic() + options.seconds
        self.lock = threading.Lock()
        self.committed = {}  # snapshot id -> digests
        self.counts = collections.Counter()
        self.failures = []

    def command(self, client, *words):
        """The words of a command, and the environment of this client."""
        environment = dict(os.environ)
        environment.update(
            CAIRN_REPOSITORY=str(self.folder / "repo"),
            CAIRN_KEY_FILE=str(self.folder / "key"),
            CAIRN_CACHE_DIR=str(self.folder / f"cache-{client}"),
        )
        return [self.options.cairn, *words], environment

    def run(self, client, *words, kill_after=None, rng=None):
        """Runs to the end, or kills: answers (status, output), status -9 after a kill."""
        line, environment = self.command(client, *words)
        process = subprocess.Popen(
            line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            out, err = process.communicate(timeout=kill_after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            out, err = process.communicate()
        verb = words[0]
        with self.lock:
            self.counts[f"{verb} {'killed' if process.returncode == -9 else 'done'}"] += 1
        return process.returncode, out, err

    def fail(self, text):
        with self.lock:
            self.failures.append(text)
            print(f"FAILED: {text}", flush=True)

    def kill_after(self, rng, most):
        """Most runs are killed; the others end by themselves."""
        return rng.random() * most if rng.random() < 0.6 else None

    def change_source(self, source, rng):
        """Some files are new, some change, some go."""
        source.mkdir(exist_ok=True)
        for _ in range(rng.randrange(2, 12)):
            path = source / f"file-{rng.randrange(60)}"
            if path.exists() and rng.random() < 0.3:
                path.unlink()
            elif path.exists() and rng.random() < 0.5:
                with path.open("r+b") as file:
                    file.seek(rng.randrange(1 + path.stat().st_size))
                    file.write(rng.randbytes(rng.randrange(1, 5000)))
            else:
                path.write_bytes(rng.randbytes(rng.choice([100, 5_000, 70_000, 400_000])))

    def writer(self, number):
        rng = random.Random(self.options.seed * 100 + number)
        client = f"writer-{number}"
        source = self.folder / f"source-{number}"
        while time.monotonic() < self.end:
            self.change_source(source, rng)
            expected = digests(source)
            status, out, err = self.run(
                client, "backup", str(source), "--json", "--name", client,
                kill_after=self.kill_after(rng, 0.6),
            )
            if status == 0:
                with self.lock:
                    self.committed[json.loads(out.splitlines()[-1])["id"]] = expected
            elif status != -9:
                self.fail(f"{client}: status {status}: {err[-400:]}")

    def collector(self, number):
        rng = random.Random(self.options.seed * 100 + 50 + number)
        client = f"collector-{number}"
        while time.monotonic() < self.end:
            unused = rng.choice(["0", "2%", "30%"])
            status, _, err = self.run(
                client, "prune", "--max-unused", unused, kill_after=self.kill_after(rng, 2.0)
            )
            if status not in (0, -9):
                self.fail(f"{client}: status {status}: {err[-400:]}")

    def forgetter(self):
        rng = random.Random(self.options.seed * 100 + 70)
        while time.monotonic() < self.end:
            status, _, err = self.run(
                "forgetter", "forget", "--keep-last", str(rng.randrange(2, 6)),
                kill_after=self.kill_after(rng, 0.4),
            )
            if status not in (0, -9) and "no snapshots" not in err:
                self.fail(f"forgetter: status {status}: {err[-400:]}")
            time.sleep(0.2)

    def reader(self):
        rng = random.Random(self.options.seed * 100 + 80)
        while time.monotonic() < self.end:
            with self.lock:
                ids = list(self.committed)
            if ids:
                self.check("reader", rng.choice(ids[-30:]))
            time.sleep(0.2)

    def is_forgotten(self, snapshot):
        return (self.folder / "repo" / "forgotten" / snapshot).exists()

    def check(self, client, snapshot):
        """Restores a snapshot and compares it; one that is forgotten meanwhile may be gone."""
        target = self.folder / f"restored-{client}"
        shutil.rmtree(target, ignore_errors=True)
        status, _, err = self.run(client, "restore", snapshot, "--target", str(target))
        if self.is_forgotten(snapshot):
            return
        if status != 0:
            self.fail(f"{client}: restore of {snapshot}: status {status}: {err[-400:]}")
            return
        found = {}
        for number in range(self.options.writers):
            restored = target / str(self.folder / f"source-{number}").lstrip("/")
            if restored.exists():
                found = digests(restored)
        with self.lock:
            expected = self.committed.get(snapshot)
            self.counts["compared"] += 1
        if expected is not None and found != expected:
            self.fail(f"{client}: {snapshot} is not what was backed up")

    def finish(self):
        """Nobody is at work any more: what stands must be whole, and nothing must be left over."""
        status, _, err = self.run("last", "prune")
        if status != 0:
            self.fail(f"last prune: status {status}: {err[-400:]}")
        status, out, err = self.run("last", "verify", "--check-integrity")
        print(out, flush=True)
        if status != 0:
            self.fail(f"verify: status {status}: {err[-400:]}")
        _, out, _ = self.run("last", "snapshots", "--json")
        listed = {snapshot["id"] for snapshot in json.loads(out)["snapshots"]}
        for snapshot in self.committed:
            if snapshot not in listed and not self.is_forgotten(snapshot):
                self.fail(f"{snapshot} was committed, not forgotten, and is gone")
        for snapshot in sorted(listed):
            self.check("last", snapshot)
        for name in ("sessions", "condemned", "tmp"):
            left = [p for p in (self.folder / "repo" / name).rglob("*") if p.is_file()]
            if left:
                self.fail(f"{len(left)} files are left in {name}")
        print(f"{len(listed)} snapshots stand, {len(self.committed)} were committed")

    def soak(self):
        status, _, err = self.run("first", "init")
        if status != 0:
            sys.exit(f"init: {err}")
        threads = [
            threading.Thread(target=self.writer, args=(n,)) for n in range(self.options.writers)
        ]
        threads += [
            threading.Thread(target=self.collector, args=(n,))
            for n in range(self.options.collectors)
        ]
        threads += [threading.Thread(target=self.forgetter), threading.Thread(target=self.reader)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.finish()
        for what, count in sorted(self.counts.items()):
            print(f"{what}: {count}")
        print(f"{len(self.failures)} failures")
        return 1 if self.failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cairn", required=True, help="the program")
    parser.add_argument("--folder", required=True, help="is made anew")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--collectors", type=int, default=2)
    sys.exit(Soak(parser.parse_args()).soak())


if __name__ == "__main__":
    main()

"""How each backup program is told to do the same things, with its defaults and a passphrase.

A Peer keeps its repository, cache and settings below one folder of its own. Every method answers
the words of one command; nothing is run here.
"""

import os
import shutil

PASSPHRASE = "benchmark"


class Peer:
    name = ""
    program = ""

    def __init__(self, executable, folder):
        self.executable = executable
        self.folder = folder
        self.repository = os.path.join(folder, "repository")

    def environment(self):
        """Variables added to those of the caller."""
        raise NotImplementedError

    def version(self):
        return [self.executable, "version"]

    # The words that cairn and restic have in common.

    def init(self):
        return [self.executable, "init", "-q"]

    def backup(self, path):
        return [self.executable, "backup", "-q", path]

    def prune(self):
        """Forgets all snapshots but the latest, and gives back what they alone needed."""
        return [self.executable, "forget", "-q", "--keep-last", "1", "--prune"]

    def restore(self, target):
        """Everything of the latest snapshot. Runs inside `target`, which is empty."""
        return [self.executable, "restore", "latest", "-q", "--target", target]

    def restore_one(self, path, target):
        raise NotImplementedError

    def verify(self):
        """Reads and checks all stored data."""
        raise NotImplementedError


class Cairn(Peer):
    name = "cairn"
    program = "cairn"

    def environment(self):
        return {
            "CAIRN_PASSWORD": PASSPHRASE,
            "CAIRN_REPOSITORY": self.repository,
            "CAIRN_CACHE_DIR": os.path.join(self.folder, "cache"),
        }

    def restore_one(self, path, target):
        return [self.executable, "restore", "latest:" + path, "-q", "--target", target]

    def verify(self):
        return [self.executable, "verify", "--check-integrity", "-q"]


class Before(Cairn):
    """An earlier version, to see what a change costs: --program before=PATH --reference before."""

    name = "before"
    program = "cairn-before"


class Restic(Peer):
    name = "restic"
    program = "restic"

    def environment(self):
        return {
            "RESTIC_PASSWORD": PASSPHRASE,
            "RESTIC_REPOSITORY": self.repository,
            "RESTIC_CACHE_DIR": os.path.join(self.folder, "cache"),
        }

    def restore_one(self, path, target):
        return self.restore(target) + ["--include", path]

    def verify(self):
        return [self.executable, "check", "-q", "--read-data"]


class Borg(Peer):
    """With zstd, level 3, like the others; its default is lz4."""

    name = "borg"
    program = "borg"

    def __init__(self, executable, folder):
        super().__init__(executable, folder)
        self.archives = 0

    def environment(self):
        return {
            "BORG_PASSPHRASE": PASSPHRASE,
            "BORG_REPO": self.repository,
            "BORG_BASE_DIR": os.path.join(self.folder, "cache"),
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
        }

    def version(self):
        return [self.executable, "--version"]

    def init(self):
        return [self.executable, "init", "-e", "repokey-blake2"]

    def backup(self, path):
        self.archives += 1
        return [self.executable, "create", "-C", "zstd,3", f"::{self.archives}", path]

    def prune(self):
        return ["sh", "-c", '"$0" prune --keep-last 1 && "$0" compact', self.executable]

    def restore(self, target):
        return [self.executable, "extract", f"::{self.archives}"]

    def restore_one(self, path, target):
        return self.restore(target) + [path.lstrip("/")]

    def verify(self):
        return [self.executable, "check", "--verify-data"]


KINDS = {kind.name: kind for kind in (Cairn, Before, Restic, Borg)}


def find(name, given):
    """The executable: the one given, or the one on PATH; None if there is none."""
    return given.get(name) or shutil.which(KINDS[name].program)

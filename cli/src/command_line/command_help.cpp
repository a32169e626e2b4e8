#include "command_line/command_help.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <gsl/assert>

namespace cairn::cli {
namespace {

constexpr std::array kCommands{
    CommandHelp{
        "init", "Make a repository and its first key",
        "REPO is a new or empty folder. The first key has the role admin. Keep its\n"
        "passphrase or key file in a second place: without it nothing can be read.\n"
        "A key file (--key-file) that does not exist yet is made, with mode 0600.\n"
        "The repository is its owner's alone, unless it is made in a folder that hands its\n"
        "group on (chmod g+rwxs, umask 002): then the whole group can use it.\n",
        "  cairn init -r /mnt/backup\n"
        "  cairn init -r /mnt/backup --key-file ~/.config/cairn.key\n"
        "  cairn init -r /mnt/backup --max-repo-size 500G\n"},
    CommandHelp{
        "backup", "Make a snapshot of files and folders",
        "What has not changed since earlier snapshots takes no further space and is not\n"
        "read again. Files that cannot be read, that change each time they are read, or of\n"
        "which an attribute cannot be read are named on standard error; the snapshot then\n"
        "exists without them, or with what was read, and the exit status is 3. So it is if\n"
        "--rehash-sample finds that a file changed while its times and size did not. What\n"
        "vanishes before it is read is named, and no more.\n"
        "A PATH that cannot be found is named, too, and the others are backed up. What is\n"
        "named is taken, whatever leaves out a folder above it. A symbolic link is stored\n"
        "as a link; with a / at its end it stands for the folder that it leads to. This\n"
        "repository and its cache are left out. A database in use is read with its log,\n"
        "and named if the two never fit together.\n"
        "Patterns are those of gitignore(5): *.o matches in any folder, build/tmp below any\n"
        "folder, /srv/tmp only from the root of the file system, ./x and ~/x as paths do,\n"
        "cache/ folders only; the last match counts.\n"
        "With --as a source is recorded under another path, which patterns see, too: so\n"
        "what is mounted somewhere else each time stays one series.\n",
        "  cairn backup /home /etc --tag weekly\n"
        "  cairn backup ~/projects --name projects --type hourly --quiet\n"
        "  cairn backup /srv --dry-run --verbose\n"
        "  cairn backup / -x -e /proc -e '*.tmp' --exclude-caches\n"
        "  cairn backup /mnt/snap-2026-01-01 --as /home --skip-if-unchanged\n"
        "  cairn backup --stdin-name shop.sql --stdin-command -- pg_dump shop\n"},
    CommandHelp{"snapshots", "List the snapshots, newest last",
                "PATHS, FILES and SIZE say what a restore would write, ADDED what the snapshot\n"
                "added to the repository, compressed. TYPE says what it lacks: partial (its time\n"
                "limit cut it short), problems (files that could not be read, or not whole). A\n"
                "terminal that is too narrow gets fewer columns. The exit status is 3 if one\n"
                "cannot be read.\n",
                "  cairn snapshots\n"
                "  cairn snapshots --tag weekly --host laptop\n"
                "  cairn snapshots --group-by host,name --latest 3 --long\n"
                "  cairn snapshots --json\n"
                "  cairn snapshots pin 3f2a91c0\n"},
    CommandHelp{"snapshots pin", "Keep snapshots from being forgotten",
                "Neither a policy nor its name makes forget take a pinned snapshot.\n",
                "  cairn snapshots pin latest 3f2a91c0\n"},
    CommandHelp{"snapshots unpin", "Let snapshots be forgotten again", "",
                "  cairn snapshots unpin 3f2a91c0\n"},
    CommandHelp{"tag", "Change the tags of snapshots",
                "Ids and contents stay as they are. Needs a key of role admin or maintain.\n",
                "  cairn tag add release -s latest\n"
                "  cairn tag remove weekly nightly -s 3f2a91c0 -s latest~2\n"},
    CommandHelp{"tag add", "Give snapshots further tags", "",
                "  cairn tag add release important --snapshot latest\n"},
    CommandHelp{"tag remove", "Take tags away from snapshots",
                "Tags that a snapshot does not have are no mistake.\n",
                "  cairn tag remove weekly --snapshot 3f2a91c0 --snapshot latest\n"},
    CommandHelp{
        "ls", "List what a snapshot holds",
        "SNAP is latest, latest~2 (two before it), or the beginning of an id; :/path names\n"
        "something inside it. With --at the path stands alone. Without a path the sources are\n"
        "listed, and what lies in them.\n"
        "latest is the newest of all hosts and sets, unless --host, --name and the others say\n"
        "of which; which one it was is told on standard error. It is never a partial one, but\n"
        "with --allow-partial, and never one that a wrong clock dated in the future: these are\n"
        "named by their ids. While a snapshot cannot be read that may be newer, there is no\n"
        "latest. Unusual bytes in names are\n"
        "printed as \\n, \\xNN and so on, a backslash as two; --print0 prints names as\n"
        "they are.\n",
        "  cairn ls latest:/home/ada -l\n"
        "  cairn ls latest --host laptop --name home\n"
        "  cairn ls --at \"2026-01-01 14:30\" /etc -R\n"},
    CommandHelp{
        "find", "Find files in all snapshots",
        "A PATTERN without a / is for names, one with a / for whole paths: from the root if\n"
        "it begins with /, else from any folder; ** stands for any number of folders.\n"
        "Without PATTERN everything fits that the other options let through. --versions\n"
        "lists in which snapshots one path changed.\n",
        "  cairn find '*.key' --newer 2026-01-01\n"
        "  cairn find 'Documents/**/report*' -i --host laptop --type f\n"
        "  cairn find '*' --snapshot latest --larger 1G\n"
        "  cairn find --versions /etc/fstab\n"},
    CommandHelp{
        "diff", "Say what changed between two snapshots, or since one",
        "A line for each object that differs: + added, - removed, M other content, U other\n"
        "metadata only, T another type; in brackets what is different. A path on disk has a\n"
        "/ in it (./name); without a path of its own a snapshot is compared at the path of\n"
        "the other side. A file on disk counts as unchanged if its size and time are as\n"
        "recorded, unless --checksum is given; what the backup left out by choice is shown\n"
        "as added. The exit status is 0 whether or not there are differences, 1 with\n"
        "--exit-code if there are some, and 3 if something on disk could not be read.\n",
        "  cairn diff latest~1 latest\n"
        "  cairn diff latest:/home/ada /home/ada --checksum\n"
        "  cairn diff 3f2a91c0:/etc latest --json\n"},
    CommandHelp{
        "dump", "Write a file or folder of a snapshot to standard output",
        "A folder is written as a tar archive (POSIX pax) of what it holds, with owners,\n"
        "times to the nanosecond, extended attributes, access control lists, hard links and\n"
        "holes (GNU tar -x --acls --xattrs makes all of it again). Every byte is checked\n"
        "before it is written. With --output the file appears under its name only when it\n"
        "is whole, with mode 0600; an existing file is left alone.\n",
        "  cairn dump latest:/etc/fstab\n"
        "  cairn dump latest:/var/lib/app.db --output /tmp/app.db\n"
        "  cairn dump latest:/home/ada | tar -x --acls --xattrs -C /tmp/ada\n"
        "  cairn dump latest:/home/ada --format tar --target ada.tar\n"
        "  cairn dump --at \"2026-01-01 14:30\" /etc/fstab\n"},
    CommandHelp{
        "restore", "Write a snapshot, a folder or a file back to disk",
        "Without a path the snapshot's absolute paths are made again below DIR. With a path\n"
        "DIR gets the contents of that folder, or that file. What is damaged is named, the\n"
        "rest is restored, and the exit status is 1.\n"
        "\n"
        "A DIR that is not empty needs --overwrite. Files are then compared piece by piece:\n"
        "only what differs is fetched and written. Before anything that is there is changed\n"
        "or deleted, the terminal is asked, and a snapshot of it is made: a restore point to\n"
        "go back with, named by its id, since latest and --at pass over it. Nothing is asked\n"
        "in scripts: where standard input or standard error is no terminal, or with --yes or\n"
        "--json.\n"
        "\n"
        "A restore that was interrupted is finished by the same command with\n"
        "--overwrite if-changed. A file appears under its name only when all its bytes are\n"
        "checked and written; large files that are there are changed in place, on file\n"
        "systems without reflinks, once all that differs has been fetched and checked.\n"
        "\n"
        "--delete spares what the backup was told to leave out (--delete-excluded does not),\n"
        "what it could not read, the repository itself, the cache, and files with keys. The\n"
        "log of an SQLite database that stands beside one that is restored goes with it.\n"
        "An owner or attribute that cannot be set costs no file: it is counted and told.\n",
        "  cairn restore latest --target /mnt/restored\n"
        "  cairn restore latest:/home/ada/mail --target ~/mail-from-backup\n"
        "  cairn restore latest:/srv/db --target /srv/db --overwrite always --delete\n"
        "  cairn restore latest --target / --overwrite if-changed --dry-run --verbose\n"
        "  cairn restore --at \"2026-01-01 14:30\" /etc --target /tmp/etc\n"},
    CommandHelp{
        "copy", "Copy snapshots into this repository from another one",
        "--repo names the destination, --from-repo the source, which is only read. Its\n"
        "passphrase comes from --from-password-file, --from-key-file, or the first of\n"
        "CAIRN_FROM_PASSWORD, CAIRN_FROM_PASSWORD_FILE, CAIRN_FROM_PASSWORD_COMMAND and\n"
        "CAIRN_FROM_KEY_FILE that is set, or from the terminal. CAIRN_FROM_REPOSITORY stands\n"
        "in for --from-repo.\n"
        "Each repository has its own keys: contents are opened, checked and sealed anew. What\n"
        "was copied before is not copied again, and what the destination has is not sent\n"
        "twice. Copies that were forgotten there are made again: copy only what is to stay.\n"
        "An interrupted copy goes on where it stopped. Pins are not copied.\n",
        "  cairn -r /mnt/offsite copy --from-repo /mnt/backup\n"
        "  cairn -r /mnt/offsite copy --from-repo /mnt/backup --latest 1 --host laptop --verify\n"
        "  cairn -r /mnt/offsite copy --from-repo /mnt/backup --policy daily=7,monthly=12\n"
        "  cairn -r /mnt/offsite copy --from-repo /mnt/backup 3f2a91c0 --dry-run\n"},
    CommandHelp{
        "verify", "Check that snapshots are intact, and say what is not",
        "Checks the structure of everything, or only of the snapshots named. With\n"
        "--check-integrity every byte they need is read, opened and compared with its hash.\n"
        "Changes nothing. If there is damage the exit status is 4. Backups and prunes may run\n"
        "meanwhile; if packs are deleted each time that it looks, it cannot tell what is missing\n"
        "from what was moved, and ends with 11: no verdict, verify again. What the storage does\n"
        "not give, or a newer program wrote, cannot be judged either: exit status 1.\n",
        "  cairn verify\n"
        "  cairn verify --latest --check-integrity\n"
        "  cairn verify 3f2a91c0 --check-integrity --json\n"},
    CommandHelp{
        "forget", "Forget snapshots that a policy does not keep, or those named",
        "Each group (host, name, paths) is judged by itself, from its newest snapshot on. A\n"
        "snapshot stays if one rule keeps it: --keep-daily 7 keeps the last one of each of the\n"
        "seven newest days that have one, and as long as there are fewer, the oldest. Days and\n"
        "weeks are those of the time zone where the snapshot was made. Pinned snapshots stay, and\n"
        "restore points unless --policy or --type names them. Partial snapshots count for\n"
        "nothing: they stay until a whole one is newer; those dated in the future stay until\n"
        "then. While a snapshot cannot be read no policy forgets anything.\n"
        "Forgotten is forgotten: only the space is still taken, until the next prune.\n",
        "  cairn forget --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run\n"
        "  cairn forget --keep-within 1mo --policy hourly:hourly=48 --host laptop\n"
        "  cairn forget --keep-last 10 --prune\n"
        "  cairn forget --type restore_point --keep-within 30d\n"
        "  cairn forget 3f2a91c0 latest~1\n"},
    CommandHelp{
        "prune", "Give back the space of what no snapshot needs",
        "Packs that no snapshot needs are deleted. Packs of which little is needed are\n"
        "rewritten, those with the largest waste first, until no more than --max-unused is\n"
        "left. Backups may run meanwhile, on any machine, and other prunes: nothing is\n"
        "locked. Those that were under way are waited for before anything is deleted.\n"
        "Interrupted it has done no harm, and the next prune goes on. While something that\n"
        "a snapshot needs cannot be read nothing is deleted.\n",
        "  cairn prune --dry-run\n"
        "  cairn prune --max-unused 10% --max-repack-bytes 5G\n"},
    CommandHelp{
        "repair", "Make good what can be made good",
        "Run cairn verify first: it says what is wrong. Then, in this order: objects, index,\n"
        "packs, snapshots. Each does nothing where nothing is wrong.\n",
        "  cairn verify --check-integrity\n"
        "  cairn repair objects\n"
        "  cairn repair index\n"
        "  cairn repair packs --from-source /home\n"
        "  cairn repair snapshots --forget\n"},
    CommandHelp{
        "repair objects", "Mend the config, keys, snapshots and other small objects",
        "The config, key slots, snapshots and records of what was forgotten are stored twice:\n"
        "where one copy is damaged it is written anew from the other one, the config from\n"
        "the key slots if need be. Marks, settings, announcements and records of what was\n"
        "forgotten that cannot be read count for nothing and are removed, as are copies under\n"
        "wrong names; what that means is told. What the storage does not give is never touched.\n"
        "What this cannot mend is left, told with what ends it, and the exit status is 1: a\n"
        "snapshot or key of which both copies are damaged, a damaged record of what a prune was\n"
        "about to delete. Snapshots that are gone are for cairn repair snapshots.\n",
        "  cairn repair objects --dry-run\n"
        "  cairn repair objects\n"},
    CommandHelp{"repair index", "Write the index anew from the packs",
                "Damaged or missing index segments are replaced from the packs' own directories,\n"
                "and packs that are gone leave the index: then the next backup of files that had\n"
                "chunks in them stores these again, and older snapshots are whole again, too.\n",
                "  cairn repair index --dry-run\n"
                "  cairn repair index\n"},
    CommandHelp{
        "repair packs", "Save what is readable of damaged packs, and find what is lost",
        "Reads all packs, copies what is intact in damaged ones into new ones, and deletes\n"
        "them. Then what snapshots need and no pack has is looked for in files that may\n"
        "still have it, under whatever names, and in another repository; what is found is\n"
        "stored, and the snapshots are whole again. Backups may run meanwhile; those that\n"
        "were under way are waited for. The exit status is 4 if something stays lost; it\n"
        "is told by path. Needs a key of role admin.\n",
        "  cairn repair packs --dry-run\n"
        "  cairn repair packs --from-source /home --from-source /etc\n"
        "  cairn repair packs --from-repo /mnt/offsite\n"},
    CommandHelp{
        "repair snapshots", "Replace snapshots that need what is lost",
        "A snapshot that has lost something gets a replacement that can be restored,\n"
        "under a new id: entries of folders that cannot be read are left out, and lost\n"
        "bytes of files read as zeros; every loss is told. The old one stays unless\n"
        "--forget is given. Repair packs first: what they still have is not lost.\n"
        "Of each snapshot that is gone as a whole without having been forgotten, which verify\n"
        "tells as damage of its client's chain, it is noted that it was lost, whichever ones\n"
        "are named. From then on it counts as forgotten, should it come back, too: look for a\n"
        "copy of the repository that still has it before. Two snapshots of one number in a\n"
        "chain are no damage, and stay.\n"
        "Needs a key of role admin.\n",
        "  cairn repair snapshots --dry-run\n"
        "  cairn repair snapshots --forget\n"},
    CommandHelp{"rewrite", "Take files out of snapshots",
                "A snapshot that has something in it that a pattern matches gets a replacement\n"
                "without it, under a new id; contents are not read. The old one stays unless\n"
                "--forget is given; then a prune gives the space back. Patterns are those of\n"
                "backup. Needs a key of role admin.\n",
                "  cairn rewrite --exclude /home/ada/Downloads --dry-run\n"
                "  cairn rewrite -e 'node_modules/' -e '*.iso' --host laptop --forget\n"
                "  cairn rewrite --exclude-file ~/.not-backed-up 3f2a91c0\n"},
    CommandHelp{"stats", "Say how much is stored, and what it takes",
                "Reads snapshots and the index, no contents. --would-free says what no snapshot\n"
                "would need any more if these snapshots were forgotten, and these paths (they\n"
                "begin with /) taken out of all others.\n",
                "  cairn stats\n"
                "  cairn stats --would-free latest~5 --would-free 3f2a91c0\n"
                "  cairn stats --would-free /home/ada/Downloads\n"},
    CommandHelp{
        "config", "Show or change the repository's settings",
        "--max-repo-size is what all files of the repository together may take, as stats counts\n"
        "it. A backup or copy that would pass it stops before, without a snapshot; what it has\n"
        "stored is used by the next one. Forget and prune are not limited. Runs at the same time\n"
        "each count only what they add themselves. Changes need a key of role admin.\n",
        "  cairn config\n"
        "  cairn config --max-repo-size 500G\n"
        "  cairn config --max-repo-size none\n"},
    CommandHelp{
        "key", "Add, list, remove, change, export and import keys",
        "A key opens the repository with a passphrase or a key file. Its role says what it\n"
        "can do: admin everything; backup adds snapshots and reads nothing; restore reads\n"
        "everything and adds nothing; maintain and audit list and verify.\n",
        "  cairn key list\n"
        "  cairn key add --role backup --new-key-file /etc/cairn.key\n"},
    CommandHelp{"key list", "List the keys", "", "  cairn key list\n"},
    CommandHelp{"key add", "Add a key for a role",
                "Only a key of role admin can. The new passphrase comes from --new-password-file,\n"
                "CAIRN_NEW_PASSWORD or the terminal. A key file that does not exist yet is made,\n"
                "with mode 0600.\n",
                "  cairn key add --role restore --name laptop\n"
                "  cairn key add --role backup --new-key-file /etc/cairn.key\n"},
    CommandHelp{"key remove", "Remove a key",
                "Refuses the key in use and the last one of role admin. Who copied the key before\n"
                "and knows its passphrase can still read what was stored until then.\n",
                "  cairn key remove 3f2a91c0\n"},
    CommandHelp{"key passwd", "Give the key in use another passphrase or key file",
                "The new passphrase comes from --new-password-file, CAIRN_NEW_PASSWORD or the\n"
                "terminal. The old one opens the repository no more.\n",
                "  cairn key passwd\n"
                "  cairn key passwd --new-key-file ~/.config/cairn.key\n"},
    CommandHelp{"key export", "Write keys to a file or to paper, for a safe",
                "A repository that has lost its folder keys/ is lost, whoever knows the\n"
                "passphrase; a key in a safe brings it back. What is written is sealed: the\n"
                "passphrase or key file is needed as well. Passphrases that are changed later\n"
                "do not change it.\n",
                "  cairn key export --output /media/usb/cairn-keys.txt\n"
                "  cairn key export 3f2a91c0 | lpr\n"},
    CommandHelp{"key import", "Bring back keys that were exported",
                "Needs no key: it is for a repository that has lost its own.\n",
                "  cairn key import /media/usb/cairn-keys.txt\n"},
    CommandHelp{"version", "Print the version", "", "  cairn version --json\n"},
    CommandHelp{"help", "Explain a command", "", "  cairn help restore\n"},
};

constexpr std::string_view kProgramFooter =
    "The passphrase comes from --password-file, --key-file, or else from the first of "
    "CAIRN_PASSWORD,\n"
    "CAIRN_PASSWORD_FILE, CAIRN_PASSWORD_COMMAND and CAIRN_KEY_FILE that is set, or from the "
    "terminal.\n"
    "CAIRN_REPOSITORY stands in for --repo. The catalogues lie in CAIRN_CACHE_DIR, else in\n"
    "$XDG_CACHE_HOME/cairn, else in ~/.cache/cairn; they can be deleted at any time.\n"
    "\n"
    "SIZE is a number of bytes, or one with K, M, G, T (powers of 1024; 5GB is 5 * 1000^3). TIME "
    "is\n"
    "90s, 30min, 2h, 1d or 1w; in policies 1y6mo2w3d12h, where m means months, too.\n"
    "\n"
    "Exit status:\n"
    "  0    done\n"
    "  1    failed\n"
    "  2    mistake on the command line\n"
    "  3    done, but some sources could not be read as a whole (the snapshot exists)\n"
    "  4    verify found damage\n"
    "  10   no repository there\n"
    "  11   the repository is busy\n"
    "  12   wrong passphrase or key\n"
    "  130  interrupted\n"
    "\n"
    "Example:\n"
    "  export CAIRN_REPOSITORY=/mnt/backup\n"
    "  cairn init\n"
    "  cairn backup /home\n"
    "  cairn restore latest:/home/ada --target /tmp/ada\n";

}  // namespace

const CommandHelp& command_help(std::string_view name) {
  const auto* const found =
      std::find_if(kCommands.begin(), kCommands.end(),
                   [name](const CommandHelp& help) { return help.name == name; });
  Expects(found != kCommands.end());
  return *found;
}

std::string help_footer(const CommandHelp& help) {
  const bool several = std::count(help.examples.begin(), help.examples.end(), '\n') > 1;
  return fmt::format("{}{}{}:\n{}", help.details, help.details.empty() ? "" : "\n",
                     several ? "Examples" : "Example", help.examples);
}

std::string_view program_footer() { return kProgramFooter; }

}  // namespace cairn::cli

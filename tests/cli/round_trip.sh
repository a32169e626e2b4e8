#!/bin/sh
# The real program: make a repository, back up, look, restore, verify, and what it answers.
# $1: the program. Everything happens in a new folder below $TMPDIR.
set -eu
cairn=$1
work=$(mktemp -d "${TMPDIR:-/tmp}/cairn-cli-XXXXXX")
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
cd "$work"

fail() {
    echo "FAILED: $*"
    exit 1
}
# expect STATUS COMMAND...: output goes to the files out and err.
expect() {
    expected=$1
    shift
    status=0
    "$@" >out 2>err </dev/null || status=$?
    if [ "$status" -ne "$expected" ]; then
        cat out err
        fail "status $status, not $expected: $*"
    fi
}

export CAIRN_CACHE_DIR="$work/cache" CAIRN_REPOSITORY="$work/repo" CAIRN_KEY_FILE="$work/key"
unset CAIRN_PASSWORD CAIRN_PASSWORD_FILE CAIRN_PASSWORD_COMMAND

mkdir -p tree/sub
echo hello >tree/hello
head -c 3000000 /dev/zero >tree/sub/zeros
seq 1 200000 >tree/sub/numbers
printf 'odd' >"tree/sub/$(printf 'a\nb')"
ln -s hello tree/link

expect 10 "$cairn" snapshots
expect 0 "$cairn" init
[ "$(stat -c %a key)" = 600 ] || fail "key file is not for its owner alone"
expect 1 "$cairn" init
expect 0 "$cairn" backup tree --tag first --json
grep -q '"type":"summary"' out || fail "no summary"
expect 0 "$cairn" backup tree
[ ! -s err ] || fail "a backup that went well writes to standard error"
expect 0 "$cairn" snapshots
[ "$(wc -l <out)" -eq 3 ] || fail "not two snapshots"
expect 0 "$cairn" ls "latest:$work/tree/sub"
[ "$(wc -l <out)" -eq 3 ] || fail "a name with a line end is not one line"

"$cairn" dump "latest:$work/tree/sub/numbers" | cmp - tree/sub/numbers || fail "dump differs"
expect 0 "$cairn" dump "latest:$work/tree/hello" --output dumped
cmp dumped tree/hello || fail "dump --output differs"
expect 1 "$cairn" dump "latest:$work/tree/nothing" --output nothing
[ -z "$(ls | grep nothing || true)" ] || fail "a failed dump left a file"

mkdir unpacked
"$cairn" dump "latest:$work/tree" | tar -xf - -C unpacked || fail "tar does not take the archive"
diff -r --no-dereference tree unpacked || fail "the unpacked tree differs"
expect 0 "$cairn" find 'numb*' --type f
[ "$(grep -c "$work/tree/sub/numbers" out)" -eq 2 ] || fail "not found in both snapshots"
expect 0 "$cairn" find --versions "$work/tree/hello" --json
grep -q '"versions":1' out || fail "not one version"
expect 0 "$cairn" diff latest~1 latest -q
[ ! -s out ] || fail "equal snapshots differ"
expect 0 "$cairn" diff "latest:$work/tree" ./unpacked --checksum -q
[ ! -s out ] || fail "the unpacked tree differs from the snapshot"
touch tree/sub/later
expect 0 "$cairn" diff latest ./tree
grep -q "^+ $work/tree/sub/later$" out || fail "a new file is not told"
rm tree/sub/later

expect 0 "$cairn" restore latest --target all
diff -r --no-dereference tree "all$work/tree" || fail "the restored tree differs"
expect 0 "$cairn" restore "latest:$work/tree" --target part
diff -r --no-dereference tree part || fail "the restored part differs"
expect 1 "$cairn" restore "latest:$work/tree" --target part
expect 0 "$cairn" restore "latest:$work/tree" --target part --overwrite always
expect 1 "$cairn" restore latest:/nowhere --target nowhere
[ -z "$(ls nowhere 2>/dev/null || true)" ] || fail "a failed restore left files"

expect 0 "$cairn" verify --check-integrity
expect 0 "$cairn" stats
expect 0 "$cairn" verify --json
expect 2 "$cairn" verify --nonsense
expect 2 "$cairn"
expect 0 "$cairn" --help
expect 0 "$cairn" --version

head -c 32 /dev/urandom >wrong
expect 12 "$cairn" snapshots --key-file wrong
head -c 31 /dev/urandom >short
expect 1 "$cairn" snapshots --key-file short
expect 1 env -u CAIRN_KEY_FILE CAIRN_PASSWORD_COMMAND='exit 3' "$cairn" snapshots

# The first signal asks the program to stop, the second one ends it.
for signal in INT TERM HUP; do
    expect 130 env -u CAIRN_KEY_FILE \
        CAIRN_PASSWORD_COMMAND="while kill -$signal \$PPID; do :; done 2>/dev/null" \
        "$cairn" backup tree
done
# A command that hangs ends with the program, at the first signal.
for signal in INT TERM HUP; do
    expect 130 setsid "$cairn" backup --stdin-command -- \
        sh -c "echo \$\$ >pid; kill -$signal \$PPID; echo x; sleep 1000"
    ! kill -0 "$(cat pid)" 2>kill.err || fail "the command outlives the program (SIG$signal)"
    expect 130 setsid env -u CAIRN_KEY_FILE \
        CAIRN_PASSWORD_COMMAND="echo \$\$ >pid; kill -$signal \$PPID; sleep 1000" "$cairn" stats
    ! kill -0 "$(cat pid)" 2>kill.err || fail "the password command outlives the program"
done
# So does the wait for standard input.
mkfifo pipe
"$cairn" backup --stdin <pipe >out 2>err &
waiting=$!
exec 9>pipe
head -c 300000 /dev/zero >&9  # more than a pipe holds: it is being read when this ends
kill -TERM "$waiting"
status=0
wait "$waiting" || status=$?
exec 9>&-
[ "$status" -eq 130 ] || fail "status $status of a backup of a pipe that says nothing"
# SIGUSR1 asks how far it is.
expect 0 env -u CAIRN_KEY_FILE -u CAIRN_REPOSITORY CAIRN_PASSWORD=x "$cairn" init -r asked
expect 0 env -u CAIRN_KEY_FILE CAIRN_PASSWORD_COMMAND='kill -USR1 $PPID; echo x' \
    "$cairn" backup -q tree -r asked
grep -q '^cairn: .* files\{0,1\}  ' err || fail "no answer to SIGUSR1"
expect 0 env -u CAIRN_KEY_FILE CAIRN_PASSWORD_COMMAND='kill -USR1 $PPID; echo x' \
    "$cairn" key list -r asked

# Standard streams that are closed are not met by files of the program.
closed() {
    status=0
    "$@" || status=$?
}
closed "$cairn" backup --stdin --stdin-name closed <&- >out 2>err
[ "$status" -eq 1 ] || fail "status $status of a backup of a closed standard input"
grep -q 'standard input' err || fail "does not say that standard input is closed"
closed "$cairn" snapshots --password-file - <&- >out 2>err
[ "$status" -eq 1 ] || fail "status $status with the passphrase from a closed standard input"
closed "$cairn" backup --stdin <tree >out 2>err
[ "$status" -eq 1 ] || fail "status $status of a backup of a folder as standard input"
closed "$cairn" backup tree <&- >&- 2>&-
[ "$status" -eq 0 ] || fail "status $status of a backup with all streams closed"
closed "$cairn" snapshots <&- >&- 2>err
[ "$status" -eq 1 ] || fail "status $status of a list that nobody can read"
expect 0 "$cairn" verify --check-integrity
grep -rl 'no damage' "$CAIRN_CACHE_DIR" "$CAIRN_REPOSITORY" && fail "a message in a file of its own"

# Relative paths from a folder that is gone are nothing.
mkdir gone
cd gone
rmdir "$work/gone"
closed "$cairn" backup . -n >"$work/out" 2>"$work/err"
[ "$status" -ne 0 ] || fail "a backup of a folder that is gone"
closed "$cairn" restore latest --target x -n >"$work/out" 2>"$work/err"
[ "$status" -ne 0 ] || fail "a restore to a folder that is gone"
closed "$cairn" snapshots >"$work/out" 2>"$work/err"
[ "$status" -eq 0 ] || fail "status $status of snapshots from a folder that is gone"
cd "$work"

# The command itself is not protected from signals by what the program does.
expect 1 env -u CAIRN_KEY_FILE CAIRN_PASSWORD_COMMAND='kill -TERM $$; echo x' "$cairn" stats

# A reader that leaves early is no reason to complain, a full disk is.
{ "$cairn" dump --quiet "latest:$work/tree/sub/zeros" 2>err || echo "$?" >status; } | head -c 10 >out
[ "$(cat status)" = 1 ] || fail "status $(cat status) after the reader left"
[ ! -s err ] || fail "complains that the reader left"
if [ -e /dev/full ]; then
    status=0
    "$cairn" snapshots >/dev/full 2>err || status=$?
    [ "$status" -eq 1 ] || fail "status $status when the output is full"
    grep -q 'standard output' err || fail "does not say that the output is full"
fi
echo "round trip: all as expected"

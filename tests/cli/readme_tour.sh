#!/bin/bash
# The tour of the README, line by line in a world that has never seen the program: every line must end
# well, and the ones that say what they make must have made it.
# $1: the program. $2: the README. Everything happens in a new folder below $TMPDIR, which stands for the
# root of the file system: absolute paths are moved below it, and ~ is a home folder in it.
set -u
program=$1
readme=$2
world=$(mktemp -d "${TMPDIR:-/tmp}/cairn-tour-XXXXXX")
trap 'chmod -R u+rwX "$world"; rm -rf "$world"' EXIT
fail() {
    echo "FAILED: $*"
    cat "$world.out" 2>/dev/null | tail -20
    rm -f "$world.out"
    exit 1
}
mkdir -p "$world"/{bin,etc,home/ada/mail,mnt,tmp} || exit 1
ln -s "$program" "$world/bin/cairn"
printf '#!/bin/sh\necho "bash install"\n' >"$world/bin/dpkg"
chmod 755 "$world/bin/dpkg"
echo "/dev/sda1 / ext4" >"$world/etc/fstab"
echo "hello" >"$world/etc/hello.conf"
seq 1 20000 >"$world/home/ada/mail/inbox"
ln -s mail/inbox "$world/home/ada/link"
export HOME=$world/home/ada PATH=$world/bin:$PATH CAIRN_CACHE_DIR=$world/cache
unset CAIRN_REPOSITORY CAIRN_PASSWORD CAIRN_PASSWORD_FILE CAIRN_PASSWORD_COMMAND CAIRN_KEY_FILE
cd "$world" || exit 1

# /a/b below the world; a lone / is the world itself. /dev stays.
moved() {
    sed -E -e "s#(^|[ =:])/(etc|home|mnt|tmp)#\\1$world/\\2#g" -e "s# / # $world #"
}
lines=0
in_tour=
in_block=
while IFS= read -r line; do
    case $line in
    "## A tour") in_tour=1 ;;
    "## "*) in_tour= ;;
    '```sh') in_block=$in_tour ;;
    '```') in_block= ;;
    ?*)
        [ -n "$in_block" ] || continue
        lines=$((lines + 1))
        set -o pipefail
        eval "$(printf '%s\n' "$line" | moved)" >"$world.out" 2>&1 </dev/null || fail "status $?: $line"
        set +o pipefail
        case $line in
        *"key export"*) grep -q "BEGIN CAIRN KEY" "$HOME/cairn-keys.txt" || fail "no key: $line" ;;
        "cairn ls "*) grep -q "/home/ada" "$world.out" || fail "lists nothing: $line" ;;
        "cairn find "*) [ -s "$world.out" ] || fail "finds nothing: $line" ;;
        "cairn dump latest:/etc/fstab"*) grep -q "^/dev/sda1" "$world.out" || fail "no file: $line" ;;
        "cairn dump"*tar*) grep -q "ada/mail/inbox" "$world.out" || fail "no archive: $line" ;;
        *"--target /tmp/back "*) diff -r --no-dereference home "tmp/back$world/home" || fail "$line" ;;
        *"--target /tmp/home "*) diff -r --no-dereference home tmp/home || fail "$line" ;;
        *"--target /tmp/then "*) diff -r --no-dereference home "tmp/then$world/home" || fail "$line" ;;
        *"--stdin-command"*)
            [ "$(cairn dump latest:/packages.txt)" = "bash install" ] || fail "not what it printed: $line"
            ;;
        *"copy --from-repo"*) [ "$(cairn -r "$world/mnt/offsite" snapshots -q | wc -l)" -ge 3 ] || fail "$line" ;;
        *"cairn verify"*) grep -q "no damage" "$world.out" || fail "does not say so: $line" ;;
        *"key add"*) [ -s "$HOME/hourly.key" ] || fail "no key file: $line" ;;
        esac
        ;;
    esac
done <"$readme"
rm -f "$world.out"
[ "$lines" -ge 30 ] || { echo "FAILED: only $lines lines in the tour"; exit 1; }
[ "$(sha256sum <"$world/home/ada/mail/inbox")" = "$(seq 1 20000 | sha256sum)" ] || fail "the world was harmed"
echo "tour: $lines lines, all as they say"

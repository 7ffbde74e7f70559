# shellcheck shell=bash
# Where things are, how to say something, how to wait. Sourced by every script of this folder.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/kennel/cluster
STATE=${KENNEL_CLUSTER_STATE:-$CACHE/state}
SETTINGS=$HERE/settings

say() { printf '%s\n' "$*" >&2; }
fail() {
    printf 'cluster: %s\n' "$*" >&2
    exit 1
}

# Seconds with one decimal since the time given as `now` gave it.
now() { date +%s%N; }
since() { awk -v ns=$(($(now) - $1)) 'BEGIN { printf "%.1f", ns / 1e9 }'; }

# wait_for SECONDS COMMAND...: until the command succeeds; false when the time is up.
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

# eventually SECONDS COMMAND...: the same, but when the time is up it prints what the command said last.
eventually() {
    local deadline=$((SECONDS + $1)) output
    shift
    until output=$("$@" 2>&1); do
        ((SECONDS < deadline)) || { printf '%s\n' "$output"; return 1; }
        sleep 0.3
    done
}

# render FILE: the file with every @NAME@ replaced by the value of $NAME; an unknown name is an error.
render() {
    local text name
    text=$(<"$1")
    while [[ $text =~ @([A-Z_]+)@ ]]; do
        name=${BASH_REMATCH[1]}
        [[ -n ${!name+set} ]] || fail "$1 names @$name@, which has no value"
        text=${text//"@$name@"/"${!name}"}
    done
    printf '%s\n' "$text"
}

# The state folder: everything that a running cluster writes. It bears a mark, so that a wrong path is never deleted.
make_state_folder() {
    [[ -e $STATE/.kennel-cluster || -z $(ls -A "$STATE" 2>/dev/null) ]] || fail "$STATE exists and is not a cluster's state folder"
    mkdir -p "$STATE/bin" "$STATE/logs"
    chmod 755 "$STATE"
    touch "$STATE/.kennel-cluster"
}
remove_state_folder() {
    [[ -e $STATE ]] || return 0
    [[ -e $STATE/.kennel-cluster || -z $(ls -A "$STATE") ]] || fail "$STATE is not a cluster's state folder: not removed"
    # The mounts below it went with the node. One that is here all the same is somebody's: never delete through it.
    ! grep -q " $STATE/" /proc/mounts || fail "mounted below $STATE: $(grep " $STATE/" /proc/mounts | cut -d' ' -f2 | paste -sd ' ')"
    rm -rf --one-file-system "$STATE"
}

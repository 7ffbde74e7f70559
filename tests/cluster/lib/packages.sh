# shellcheck shell=bash
# What Debian brings: installs what is missing when root, otherwise says exactly what is missing and how to get it.

# Debian's programs live in sbin too, which is not on everybody's path.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# Prints the packages of the list, or of those named, whose program is not there.
missing_packages() {
    local package program
    while read -r package program; do
        [[ $package != '' && $package != \#* ]] || continue
        (($# == 0)) || [[ " $* " == *" $package "* ]] || continue
        command -v "$program" >/dev/null || echo "$package"
    done <"$SETTINGS/debian-packages"
}

need_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]} > 0)) || return 0
    if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
        fail "missing: ${missing[*]}; install with (as root, on Debian): apt-get install --no-install-recommends ${missing[*]}"
    fi
    say "Debian: installing ${missing[*]}"
    install_packages "${missing[@]}"
    hash -r
    mapfile -t missing < <(missing_packages "$@")
    ((${#missing[@]} == 0)) || fail "still missing after apt-get install: ${missing[*]}"
}

install_packages() (
    mkdir -p "$CACHE"
    exec {lock}>"$CACHE/packages.lock"
    flock "$lock"
    export DEBIAN_FRONTEND=noninteractive
    started=$(now)
    forbid_services
    trap allow_services EXIT
    log=$CACHE/packages.log
    : >"$log"
    install=(apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@")
    [[ -n $(apt-cache policy "$1" | awk '/Candidate:/ && $2 != "(none)"') ]] || apt-get -q update >>"$log" 2>&1 {lock}>&-
    "${install[@]}" >>"$log" 2>&1 {lock}>&- ||
        { apt-get -q update && "${install[@]}"; } >>"$log" 2>&1 {lock}>&- ||
        { tail -n 20 "$log" >&2; fail "apt-get install $* failed, see above"; }
    say "Debian: installed in $(since "$started") s"
)

# A package such as etcd-server would start a service of its own; Debian asks this file first. One that is there already stays.
POLICY=/usr/sbin/policy-rc.d
forbid_services() {
    [[ ! -e $POLICY ]] || return 0
    printf '#!/bin/sh\n# Written by tests/cluster for the time of one installation.\nexit 101\n' >"$POLICY"
    chmod 755 "$POLICY"
}
allow_services() { ! grep -qs 'Written by tests/cluster' "$POLICY" || rm -f "$POLICY"; }

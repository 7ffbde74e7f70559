# shellcheck shell=bash
# `cluster down`: takes away what `up` made, however far it came and however it ended. Nothing to take away is fine too.

cmd_down() {
    ((EUID == 0)) || fail "down needs root, as up did"
    local started lock
    mkdir -p "$CACHE"
    exec {lock}>"$CACHE/cluster.lock"
    flock -w 300 "$lock" || fail "another run of up or down holds $CACHE/cluster.lock since 5 minutes"
    started=$(now)
    remove_cluster
    exec {lock}>&-
    say "the cluster is gone after $(since "$started") s"
}

remove_cluster() {
    destroy_node
    remove_state_folder
}

# shellcheck shell=bash
# The node: its own mount, process, network and host name namespaces, in which every part runs. When the first process in it
# dies, the kernel ends all others there, and with the last of them go their mounts, interfaces, rules, sets and addresses.
# So this machine never sees them, and nothing can be forgotten.

CGROUP=/kennel-cluster

# The first process of the node, found by its command line and not by a file: it holds even when the state folder is damaged.
node_pid() { node_processes | awk '$2 == "init" { print $1; exit }'; }

# Prints "PID init" for the node's first process and "PID door" for those that open its namespaces.
node_processes() {
    local file words
    for file in /proc/[0-9]*/cmdline; do
        words=()
        mapfile -d '' -t words 2>/dev/null <"$file" || continue
        [[ ${words[0]-} == kennel-cluster-init && ${words[1]-} == "$STATE" ]] && echo "$(basename "${file%/*}") init"
        [[ ${words[*]: -1} == "$STATE" && "${words[*]}" == */lib/node-init* ]] && echo "$(basename "${file%/*}") door"
    done
    return 0
}

# Runs a command inside the node, as seen from this shell: it waits for it, and passes on its output and exit code.
in_node() { nsenter -t "$(node_pid)" --mount --pid --net --uts -- "$@"; }

# Opens the namespaces; `lib/node-init` furnishes them from the inside.
create_node() {
    ! ip link show "$LINK" >/dev/null 2>&1 || fail "interface $LINK exists: a cluster with another state folder than $STATE runs here"
    ip -4 addr show to "$NODE_IP/$NODE_PREFIX" | grep -q . && fail "this machine uses addresses of $NODE_IP/$NODE_PREFIX already, see settings/network"
    remember_folders
    make_cgroups
    setsid --fork unshare --mount --propagation slave --pid --net --uts --fork --kill-child \
        "$HERE/lib/node-init" "$BIN_pause/pause" "$NODE_NAME" "$SETTINGS" "$STATE" </dev/null >"$STATE/logs/node" 2>&1
    wait_for 10 node_is_furnished || { tail -n 15 "$STATE/logs/node" >&2; fail "the node's namespaces could not be made, see above"; }
    link_node
}
node_is_furnished() { [[ -n $(node_pid) ]]; }

# The veth pair to the node, and this machine's way to Services and pods. All of it goes with the node's end.
link_node() {
    local pid
    pid=$(node_pid)
    ip link add "$LINK" type veth peer name eth0 netns "$pid"
    ip addr add "$HOST_IP/$NODE_PREFIX" dev "$LINK"
    ip link set "$LINK" up
    in_node ip link set lo up
    in_node ip addr add "$NODE_IP/$NODE_PREFIX" dev eth0
    in_node ip link set eth0 up
    # A Service's address is rewritten before it leaves; still the kernel wants to know a way to it first. There is no default
    # route: nothing of this cluster can reach the world.
    in_node ip route add "$SERVICE_CIDR" dev eth0 src "$NODE_IP"
    # Calico gives each pod this gateway, for which the node answers; but only if it knows a way there itself.
    in_node ip route add 169.254.1.1 dev eth0
    in_node sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    ip route add "$SERVICE_CIDR" via "$NODE_IP" dev "$LINK"
    ip route add "$POD_CIDR" via "$NODE_IP" dev "$LINK"
}

# The folders that are mounted over must exist on this machine: those that do not are noted before they are made.
remember_folders() {
    local path parent
    while read -r path; do
        [[ $path == /* ]] || continue
        parent=$path
        while [[ ! -d $parent ]]; do
            echo "$parent" >>"$STATE/made-folders"
            parent=$(dirname "$parent")
        done
        mkdir -p "$path"
    done <"$SETTINGS/private-paths"
}
forget_folders() {
    [[ -e $STATE/made-folders ]] || return 0
    local path
    sort -r -u "$STATE/made-folders" | while read -r path; do
        [[ ! -d $path ]] || rmdir "$path" || say "left: $path is not empty, somebody uses it"
    done
}

# One cgroup for all pods, in each hierarchy of version 1 and in the unified one.
cgroup_roots() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts; }
make_cgroups() {
    local root file
    for root in $(cgroup_roots); do
        mkdir -p "$root$CGROUP"
        for file in cpuset.cpus cpuset.mems; do
            # Version 1 starts a group with no processor at all.
            [[ ! -e $root$CGROUP/$file || -n $(<"$root$CGROUP/$file") ]] || cat "$root/$file" >"$root$CGROUP/$file"
        done
        if [[ -e $root$CGROUP/cgroup.controllers && -n $(<"$root$CGROUP/cgroup.controllers") ]]; then
            sed 's/[^ ]\+/+&/g' "$root$CGROUP/cgroup.controllers" >"$root$CGROUP/cgroup.subtree_control"
        fi
    done
}
remove_cgroups() {
    local root
    for root in $(cgroup_roots); do
        [[ ! -d $root$CGROUP ]] || wait_for 10 remove_cgroup "$root$CGROUP" || say "left: $root$CGROUP, a process is still in it"
    done
}
remove_cgroup() {
    find "$1" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    [[ ! -d $1 ]]
}

# Ends the node and everything in it, and waits until the kernel has taken it apart.
destroy_node() {
    local pid
    for pid in $(processes_of_up) $(node_processes | awk '{ print $1 }'); do
        kill -9 "$pid" 2>/dev/null || true
    done
    wait_for 20 node_is_gone || fail "does not end: $(node_processes) $(processes_of_up)"
    ip link delete "$LINK" 2>/dev/null || true
    remove_cgroups
    forget_folders
}
node_is_gone() { [[ -z $(node_processes)$(processes_of_up) ]]; }

# What a killed `up` had just started outside of the node, such as a kubectl.
processes_of_up() { grep -l -z -s -x -F "KENNEL_CLUSTER_UP=$STATE" /proc/[0-9]*/environ | cut -d/ -f3 || true; }

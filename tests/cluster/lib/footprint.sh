# shellcheck shell=bash
# What a cluster could leave on this machine, as text: taken before `up` and after `down`, the two must be equal.

footprint() {
    section processes processes_of_a_cluster
    section mount cat /proc/self/mounts
    section 'ip link' ip -o link show
    section 'ip addr' ip -brief addr show
    section 'ip route' ip -o route show table all
    section 'ip rule' ip rule show
    section 'ip netns' ip netns list
    section 'nft list ruleset' nft list ruleset
    section 'ipset list' ipset list
    section 'iptables-nft' iptables-nft-save
    # The legacy tool would make the tables that it is asked for.
    [[ ! -s /proc/net/ip_tables_names ]] || section 'iptables-legacy' iptables-legacy-save
    section cgroups list_cgroups
    section folders list_folders
    section settings list_settings
}

section() {
    echo "== $1"
    shift
    # Counters, dates and remaining times change by themselves.
    "$@" 2>&1 | sed -E '/^#/d; s/counter packets [0-9]+ bytes [0-9]+/counter/; s/\[[0-9]+:[0-9]+\]//; s/expires [0-9]+sec//' | sort
}

# Processes that can only be a cluster's: they run in namespaces that are not this shell's, or their command line or
# environment names the state folder, or they bear the name of a part. Others on this machine come and go.
processes_of_a_cluster() {
    local process command lineage
    lineage=" $(lineage | paste -sd ' ') "
    for process in /proc/[0-9]*; do
        { command=$(tr '\0' ' ' <"$process/cmdline"); } 2>/dev/null || continue
        # A kernel thread has no command line; this script and those that started it are not what is looked for.
        [[ -n $command && $lineage != *" ${process#/proc/} "* ]] || continue
        if is_of_a_cluster "$process" "$command"; then
            echo "$command"
        fi
    done
}

is_of_a_cluster() {
    local kind theirs
    for kind in net mnt pid uts; do
        theirs=$(readlink "$1/ns/$kind" 2>/dev/null) || continue
        [[ $theirs == "$(readlink "/proc/self/ns/$kind")" ]] || return 0
    done
    [[ $2 != *"$STATE"* ]] || return 0
    ! grep -q -z -s -x -F -e "KENNEL_CLUSTER_STATE=$STATE" -e "KENNEL_CLUSTER_UP=$STATE" "$1/environ" || return 0
    # Another cluster's, such as an API server alone that a test runs meanwhile.
    ! grep -q -z -s '^KENNEL_CLUSTER_STATE=' "$1/environ" || return 1
    case $(basename "${2%% *}") in
        etcd | kube-* | kubelet | containerd* | runc | felix | coredns | kennel-cluster-init) return 0 ;;
    esac
    return 1
}

# The processes that lead to this shell.
lineage() {
    local pid=$$
    while ((pid > 1)); do
        echo "$pid"
        pid=$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")
    done
}

list_cgroups() {
    local root
    for root in $(cgroup_roots); do
        find "$root" -maxdepth 1 -mindepth 1 -type d
    done
}

# The folders that Kubernetes, containerd, Calico and CNI use of their own accord, those of this cluster, and their parents.
list_folders() {
    local path
    {
        sed -n '/^\//p' "$SETTINGS/private-paths"
        printf '%s\n' /etc/cni /etc/kubernetes /opt/cni /run/calico /run/containerd /run/netns /run/xtables.lock /run/runc /run/flannel \
            /run/nftables.lock /usr/libexec/kubernetes /var/lib/containerd /var/lib/etcd/default /var/log/pods /var/run/calico "$STATE"
    } | sort -u | while read -r path; do
        [[ ! -e $path ]] || echo "$path"
    done
    # What lies in those that any machine has.
    find /run /etc /var/lib /var/log -maxdepth 1 -mindepth 1 -type d 2>/dev/null
}

list_settings() {
    local name
    uname -n
    for name in net/ipv4/ip_forward $(sed '/^#/d' "$SETTINGS/private-sysctls"); do
        [[ ! -e /proc/sys/$name ]] || echo "$name $(<"/proc/sys/$name")"
    done
}

# nothing_is_left FILE: is the machine as it was when its footprint was written to FILE? The kernel takes a moment to take
# a network namespace apart, so not at once; prints what differs.
nothing_is_left() {
    local attempt
    for attempt in 1 2 3 4 5; do
        ((attempt == 1)) || sleep 1
        footprint >"$1.now"
        ! diff -U0 "$1" "$1.now" >"$1.difference" || return 0
    done
    cat "$1.difference"
    return 1
}

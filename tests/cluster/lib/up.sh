# shellcheck shell=bash
# `cluster up`: from nothing, or from whatever runs already, to a node that is Ready with DNS and NetworkPolicies.

cmd_up() {
    local started lock
    ((EUID == 0)) || fail "up needs root, for namespaces, packet filters and mounts; without it there is: $HERE/cluster env --api-only"
    check_state_folder
    check_left_out
    need_packages
    mkdir -p "$CACHE"
    build_parts "${BUILT_PARTS[@]}"
    exec {lock}>"$CACHE/cluster.lock"
    flock -w 300 "$lock" || fail "another run of up or down holds $CACHE/cluster.lock since 5 minutes"
    started=$(now)
    if is_complete; then
        say "the cluster runs already"
    else
        # Parts must not inherit the lock: it would stay held as long as they run.
        start_cluster {lock}>&-
        say "the cluster is ready after $(since "$started") s"
    fi
    exec {lock}>&-
    print_environment
}

# Folders that the node mounts over cannot hold the state folder.
check_state_folder() {
    local path
    [[ $STATE == /*/* && $STATE != *[[:space:]]* ]] || fail "the state folder must be an absolute path without spaces: $STATE"
    while read -r path; do
        [[ $path != /* || $STATE/ != "$path"/* ]] || fail "the state folder must not be below $path: $STATE"
    done <"$SETTINGS/private-paths"
}

check_left_out() {
    local part
    for part in ${KENNEL_CLUSTER_WITHOUT-}; do
        [[ " ${PARTS[*]} " == *" $part "* ]] || fail "KENNEL_CLUSTER_WITHOUT names $part, which is none of: ${PARTS[*]}"
    done
}

wanted_parts() {
    local part
    for part in "${PARTS[@]}"; do
        [[ " ${KENNEL_CLUSTER_WITHOUT-} " == *" $part "* ]] || echo "$part"
    done
}

is_complete() {
    local part
    [[ -n $(node_pid) && -e $STATE/complete ]] || return 1
    for part in $(wanted_parts); do
        part_pid "$part" >/dev/null || return 1
    done
    api_is_ready >/dev/null 2>&1 && node_is_ready >/dev/null 2>&1
}

start_cluster() {
    WHERE=node API_BIND=0.0.0.0 API_IP=$NODE_IP ETCD_URL=http://127.0.0.1:2379 ETCD_PEER_URL=http://127.0.0.1:2380
    # What is left of a cluster whose node has ended is of no use.
    [[ -n $(node_pid) && -e $STATE/furnished ]] || remove_cluster
    # Whatever this run starts on this machine's side bears this mark, so that `down` ends it if this run is killed.
    export KENNEL_CLUSTER_UP=$STATE
    [[ -e $STATE/furnished ]] || furnish_cluster
    local started part
    start_missing etcd
    start_missing kube-apiserver kube-apiserver kube-apiserver-with-node
    start_missing containerd
    started=$(now)
    wait_part containerd 20 containerd_answers
    import_own_images
    wait_part kube-apiserver 60 api_is_ready
    say "API server: ready after $(since "$started") s"
    for part in kube-controller-manager kube-scheduler kubelet kube-proxy; do
        start_missing "$part"
    done
    create_objects
    if [[ " $(wanted_parts | paste -sd ' ') " == *" felix "* ]]; then
        start_missing felix
        wait_part felix 30 page_is_good 9099 /readiness
    else
        say "WITHOUT felix, as KENNEL_CLUSTER_WITHOUT says: no NetworkPolicy is enforced"
    fi
    wait_part kube-controller-manager 30 controllers_work
    wait_part kubelet 60 node_is_ready
    wait_part kube-proxy 20 page_is_good 10256 /healthz
    wait_part kube-scheduler 30 dns_is_scheduled
    wait_for 60 dns_is_ready || blame_dns
    touch "$STATE/complete"
}

dns_is_scheduled() { [[ -n $(kubectl -n kube-system get pods -l k8s-app=kube-dns -o 'jsonpath={.items[*].spec.nodeName}') ]]; }
dns_is_ready() { kubectl -n kube-system rollout status deployment/coredns --timeout=1s; }
blame_dns() {
    kubectl -n kube-system describe pods -l k8s-app=kube-dns | sed -n '/^Events:/,$p' >&2
    kubectl -n kube-system logs deployment/coredns --tail=15 >&2 || true
    fail "CoreDNS is not ready in time, see its events and log above"
}

# The state folder, its settings and keys, and the node.
furnish_cluster() {
    make_state_folder
    mkdir -p "$STATE"/{settings/cni,settings/objects,containerd,kubelet,pods}
    local part
    for part in "${BUILT_PARTS[@]}"; do
        link_programs "$part"
    done
    ln -s "$BIN_calico/crds.yaml" "$(command -v etcd)" "$STATE/bin/"
    # An overlay cannot lie on an overlay, as in a container: copy there.
    SNAPSHOTTER=$([[ $(stat -f -c %T "$STATE") == overlayfs ]] && echo native || echo overlayfs)
    for file in containerd.toml kubelet.yaml kube-proxy.yaml cni/10-calico.conflist objects/calico.yaml objects/coredns.yaml; do
        render "$SETTINGS/$file" >"$STATE/settings/$file"
    done
    make_pki kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local localhost \
        "$NODE_NAME" "$NODE_IP" "$SERVICE_IP" 127.0.0.1
    create_node
    touch "$STATE/furnished"
}

# start_missing PART [OPTIONS-FILE...]
start_missing() {
    local part=$1 options
    part_pid "$part" >/dev/null && return 0
    shift
    (($# > 0)) || set -- "$part"
    mapfile -t options < <(options_of "$@")
    start_part "$part" "${options[@]}"
}

create_objects() {
    local log=$STATE/logs/objects
    {
        apply "$STATE/bin/crds.yaml" &&
            kubectl wait --for=condition=Established --timeout=20s -f "$STATE/bin/crds.yaml" &&
            eventually 20 apply "$STATE/settings/objects/calico.yaml" &&
            apply "$STATE/settings/objects/coredns.yaml"
    } >"$log" 2>&1 || { tail -n 15 "$log" >&2; fail "the API server did not take the cluster's own objects, see above"; }
}
apply() { kubectl apply --server-side -f "$1"; }

print_environment() {
    echo "export KUBECONFIG=$STATE/kubeconfig"
    echo "export PATH=$STATE/bin:\$PATH"
}

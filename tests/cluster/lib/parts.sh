# shellcheck shell=bash
# Starting the programs of a cluster, seeing whether they run, and saying what went wrong when they do not.

# The parts of a whole cluster, in the order in which they start.
PARTS=(etcd kube-apiserver containerd kube-controller-manager kube-scheduler kubelet kube-proxy felix)

# Options of a part: the lines of its file, rendered; and those of further files named.
options_of() {
    local file line
    for file in "$@"; do
        while read -r line; do
            [[ $line == '' || $line == \#* ]] || echo "$line"
        done < <(render "$SETTINGS/args/$file")
    done
}

# Prints the process id of a part. It is known by the path it was called by, which lies in this cluster's state folder.
part_pid() {
    local file words
    for file in /proc/[0-9]*/cmdline; do
        words=()
        mapfile -d '' -t words 2>/dev/null <"$file" || continue
        [[ ${words[0]-} != "$STATE/bin/$1" ]] || { basename "${file%/*}"; return 0; }
    done
    return 1
}

# A clean environment: a proxy or a library path of this shell is nothing for the cluster.
part_environment() {
    echo "PATH=$STATE/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    echo "HOME=$STATE"
    echo "KENNEL_CLUSTER_STATE=$STATE"
    [[ $1 != felix ]] || render "$SETTINGS/felix.env" | grep -v '^#'
}

# start_part NAME [OPTION...]: inside the node if there is one, detached from this shell.
start_part() {
    local name=$1 environment enter=()
    shift
    mapfile -t environment < <(part_environment "$name")
    [[ $WHERE != node ]] || enter=(nsenter -t "$(node_pid)" --mount --pid --net --uts --no-fork --)
    printf -- '--- %s started %s\n' "$name" "$(date -u +%T)" >>"$STATE/logs/$name"
    "${enter[@]}" setsid --fork env -i "${environment[@]}" "$STATE/bin/$name" "$@" </dev/null >>"$STATE/logs/$name" 2>&1
    printf '%s\n' "$@" >"$STATE/logs/$name.options"
}

# wait_part NAME SECONDS COMMAND...: until the command succeeds; a part that ends or takes too long is named with its log.
wait_part() {
    local name=$1 deadline=$((SECONDS + $2)) grace=$((SECONDS + 2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS > grace)) && ! part_pid "$name" >/dev/null; then
            blame "$name" "ended by itself"
        fi
        ((SECONDS < deadline)) || blame "$name" "is not ready in time (waited for: $*)"
        sleep 0.1
    done
}

blame() {
    say "cluster: $1 $2. The last lines of $STATE/logs/$1:"
    tail -n 15 "$STATE/logs/$1" | cut -c1-400 >&2
    exit 1
}

# kubectl as administrator of the cluster in $STATE.
kubectl() { "$STATE/bin/kubectl" --kubeconfig "$STATE/kubeconfig" --cache-dir "$STATE/kubectl" "$@"; }

api_is_ready() { kubectl get --raw /readyz --request-timeout=2s; }
controllers_work() { kubectl get serviceaccount default -n default --request-timeout=2s -o name; }
node_is_ready() { kubectl wait --for=condition=Ready node --all --timeout=1s; }

# Is a health page inside the node good? Without a client program: the shell speaks enough HTTP.
page_is_good() {
    # shellcheck disable=SC2016 # for the inner shell
    in_node timeout 2 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" && printf "GET %s HTTP/1.0\r\n\r\n" "$2" >&3 &&
        read -r _ code _ <&3 && [[ $code == 2* ]]' - "$1" "$2"
}

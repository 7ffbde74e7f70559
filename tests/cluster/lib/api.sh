# shellcheck shell=bash
# `cluster env --api-only`: etcd, API server and controllers alone, on free ports of the loopback, for tests that need no
# pods. Needs no root. Any number at once, each with a state folder of its own below the folder for temporary files.

cmd_env() {
    local watched='' families=4 command=()
    case ${1-} in
        '') env_of_cluster ;;
        --stop)
            STATE=${2:?which folder? see the line that --api-only printed}
            stop_api
            ;;
        --api-only)
            shift
            case ${1-} in
                --ipv6) shift && families=6 ;;
                --dual-stack) shift && families=46 ;;
            esac
            if [[ ${1-} == --for ]]; then
                watched=${2:?--for needs the number of a process}
                shift 2
            fi
            [[ ${1-} != -- ]] || { shift && command=("$@"); }
            run_api "$families" "$watched" "${command[@]}"
            ;;
        *) fail "env knows --api-only [--ipv6|--dual-stack] [--for PID] [-- COMMAND...] and --stop FOLDER, not $1" ;;
    esac
}

env_of_cluster() {
    if [[ -n ${KENNEL_TEST_KUBECONFIG-} ]]; then
        say "the cluster of KENNEL_TEST_KUBECONFIG"
        echo "export KUBECONFIG=$KENNEL_TEST_KUBECONFIG"
    else
        [[ -e $STATE/complete && -n $(node_pid) ]] || fail "no cluster runs; start it with: $HERE/cluster up"
        print_environment
    fi
}

# run_api 4|6|46 PID|"" [COMMAND...]: of these families, on an address of the first; with a command it lives as long as that, with a process id as long as that process, else until stopped.
run_api() {
    local families=$1 watched=$2 code=0
    shift 2
    STATE=$(mktemp -d "${TMPDIR:-/tmp}/kennel-api.XXXXXX")
    trap stop_api EXIT
    trap 'exit 143' INT TERM
    make_state_folder
    # A command's server ends with this run even when that is killed.
    (($# == 0)) || watched=$$
    [[ -z $watched ]] || setsid --fork "$HERE/lib/api-watch" "$watched" "$STATE" </dev/null >/dev/null 2>&1
    start_api "$families"
    if (($# > 0)); then
        KUBECONFIG=$STATE/kubeconfig "$@" || code=$?
        exit "$code"
    fi
    trap - EXIT
    echo "export KUBECONFIG=$STATE/kubeconfig"
    echo "# stop it with: $HERE/cluster env --stop $STATE"
}

# start_api 4|6|46
start_api() {
    local started options address=127.0.0.1
    find_api_programs
    started=$(now)
    WHERE=here
    case $1 in
        # etcd stays on 127.0.0.1, where nobody but the API server asks for it.
        6) address=::1 SERVICE_CIDR=$SERVICE_CIDR_6 SERVICE_IP=${SERVICE_CIDR_6%/*}1 ;;
        46) SERVICE_CIDR=$SERVICE_CIDR,$SERVICE_CIDR_6 ;;
    esac
    API_BIND=$address API_IP=$address
    reserve_port API_PORT
    reserve_port CLIENT_PORT
    reserve_port PEER_PORT
    ETCD_URL=http://127.0.0.1:$CLIENT_PORT ETCD_PEER_URL=http://127.0.0.1:$PEER_PORT
    mapfile -t options < <(options_of etcd)
    start_part etcd "${options[@]}"
    make_pki kubernetes kubernetes.default.svc localhost "$address" "$SERVICE_IP"
    mapfile -t options < <(options_of kube-apiserver kube-apiserver-alone)
    start_part kube-apiserver "${options[@]}"
    wait_part kube-apiserver 60 api_is_ready
    mapfile -t options < <(options_of kube-controller-manager)
    start_part kube-controller-manager "${options[@]}"
    wait_part kube-controller-manager 30 controllers_work
    say "API server: ready after $(since "$started") s"
}

# From KUBEBUILDER_ASSETS what is there, the rest from Debian and the cache.
find_api_programs() {
    local assets=${KUBEBUILDER_ASSETS-} program
    if [[ -n $assets ]]; then
        for program in etcd kube-apiserver; do
            [[ -x $assets/$program ]] || fail "KUBEBUILDER_ASSETS=$assets holds no $program"
        done
        for program in etcd kube-apiserver kube-controller-manager kubectl; do
            [[ ! -x $assets/$program ]] || ln -s "$(realpath -s "$assets/$program")" "$STATE/bin/"
        done
        say "programs of KUBEBUILDER_ASSETS: $(find "$STATE/bin" -type l -printf '%f ')"
    else
        need_packages etcd-server openssl
        ln -s "$(command -v etcd)" "$STATE/bin/"
    fi
    for program in kube-apiserver kube-controller-manager kubectl; do
        [[ ! -e $STATE/bin/$program ]] || continue
        [[ -n ${BIN_kube-} ]] || build_parts kube
        ln -s "$BIN_kube/$program" "$STATE/bin/"
    done
}

# reserve_port NAME: sets NAME to a port that nobody listens on. The lock on its file is inherited by the parts, so
# another run will not take it between this look and their start, and it falls when they end.
reserve_port() {
    local port lock folder=$CACHE/ports
    mkdir -p "$folder"
    while :; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        exec {lock}>"$folder/$port"
        if flock -n "$lock" && ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            break
        fi
        exec {lock}>&-
    done
    printf -v "$1" %s "$port"
}

stop_api() {
    local part pid ended=()
    [[ -e $STATE/.kennel-cluster ]] || return 0
    # Nothing of it is worth a clean ending.
    for part in kube-controller-manager kube-apiserver etcd; do
        pid=$(part_pid "$part") || continue
        kill -9 "$pid" 2>/dev/null || true
        ended+=("$part")
    done
    for part in "${ended[@]}"; do
        wait_for 10 part_has_ended "$part" || fail "$part does not end"
    done
    remove_state_folder
}
part_has_ended() { ! part_pid "$1"; }

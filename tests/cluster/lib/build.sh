# shellcheck shell=bash
# Builds the parts that Debian does not bring, each once, into the cache. The folder of a part is named by everything that
# decides what it holds, so a changed version is another folder; it appears by one rename, so a half-built one is never seen.

# What a cluster consists of. The part cert-manager is none of them: the test that wants it builds it.
BUILT_PARTS=(kube calico pause containerd coredns)

# The programs that a part's folder must hold; a link where one binary goes by several names.
programs_of() {
    case $1 in
        kube) echo kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl ;;
        calico) echo felix calico ;;
        pause) echo pause ;;
        containerd) echo containerd containerd-shim-runc-v2 ctr ;;
        coredns) echo coredns ;;
        cert-manager) echo cert-manager ;;
    esac
}

# What decides a part's content: its module's files, or its lines of parts/versions.
sources_of() {
    if [[ -d $HERE/parts/$1 ]]; then
        local file
        for file in go.mod go.sum main.go; do
            [[ ! -e $HERE/parts/$1/$file ]] || cat "$HERE/parts/$1/$file"
        done
    else
        grep "^$1 " "$HERE/parts/versions"
    fi
    go env GOVERSION GOARCH
}

version_of() {
    case $1 in
        kube) awk '$1 == "k8s.io/kubernetes" { print $2 }' "$HERE/parts/kube/go.mod" ;;
        calico) sed -n 's/^const version = "\(.*\)"/\1/p' "$HERE/parts/calico/main.go" ;;
        pause) echo 1 ;;
        cert-manager) awk '$1 == "github.com/cert-manager/cert-manager" { print $2 }' "$HERE/parts/cert-manager/go.mod" ;;
        *) awk -v part="$1" '$1 == part { print $3; exit }' "$HERE/parts/versions" ;;
    esac
}

part_dir() { echo "$CACHE/$1-$(version_of "$1")-$(sources_of "$1" | sha256sum | cut -c1-12)"; }

# Makes a part's programs reachable in the state folder; by the path there a running one is known.
link_programs() {
    local folder=BIN_${1//-/_} program
    for program in $(programs_of "$1"); do
        ln -s "${!folder}/$program" "$STATE/bin/"
    done
}

# Sets BIN_<part> to the folder of each part named (BIN_cert_manager), building those that are not there yet.
build_parts() {
    command -v go >/dev/null || fail "Go is missing; with Debian: apt-get install golang, or Go's own release (1.26 or later)"
    local part
    for part in "$@"; do
        build_part "$part"
        printf -v "BIN_${part//-/_}" %s "$(part_dir "$part")"
    done
}

build_part() {
    local part=$1 dir log lock
    dir=$(part_dir "$part")
    [[ ! -d $dir ]] || return 0
    mkdir -p "$CACHE"
    log=$CACHE/$part.build.log
    exec {lock}>"$CACHE/$part.lock"
    flock -n "$lock" || { say "$part: another run builds it, waiting"; flock "$lock"; }
    if [[ ! -d $dir ]]; then
        local started temporary
        started=$(now)
        # One that a killed run left is nobody's now: the lock is ours.
        rm -rf "$CACHE/.$part".*
        temporary=$(mktemp -d "$CACHE/.$part.XXXXXX")
        show_progress "$part" "$log" compile_part "$part" "$temporary" || {
            rm -rf "$temporary"
            tail -n 20 "$log" >&2
            fail "building $part failed, see above and $log"
        }
        chmod 755 "$temporary"
        mv -T "$temporary" "$dir"
        say "$part: built in $(since "$started") s"
    fi
    exec {lock}>&-
}

# Runs a command with its output in a log, and says every 15 s that it still runs and what it does.
show_progress() {
    local part=$1 log=$2 started=$SECONDS pid
    shift 2
    say "$part $(version_of "$part"): building (once; the result is kept in $CACHE)"
    # A process group of its own, so that whatever ends this run ends the compilers too.
    set -m
    until_run_ends "$@" >"$log" 2>&1 &
    pid=$!
    set +m
    # shellcheck disable=SC2064 # the pid of now
    trap "kill -- -$pid 2>/dev/null || true; exit 130" INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        if (((SECONDS - started) % 15 == 14)); then
            say "$part: $((SECONDS - started)) s, $(wc -l <"$log") packages, $(tail -n 1 "$log" | cut -c1-80)"
        fi
        sleep 1
    done
    trap - INT TERM
    wait "$pid"
}

# Runs a command, as the first of a process group, that does not outlive this run: not even if that is killed.
until_run_ends() {
    local group=$BASHPID guard code=0
    # Without the lock of `build_part`: the guard's last wait may outlive the build.
    { tail --pid=$$ -f /dev/null; kill -- "-$group"; } {lock}>&- &
    guard=$!
    "$@" || code=$?
    kill "$guard"
    return "$code"
}

compile_part() {
    local part=$1 to=$2
    export CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOBIN=$to
    if [[ -d $HERE/parts/$part ]]; then
        (cd "$HERE/parts/$part" && nice -n 5 go build -v -mod=readonly -trimpath -ldflags "$(link_flags "$part")" -o "$to/$part" .)
    else
        local name path version
        while read -r name path version; do
            [[ $name != "$part" ]] || nice -n 5 go install -v -trimpath -ldflags '-s -w' "$path@$version"
        done <"$HERE/parts/versions"
    fi
    case $part in
        calico) collect_crds calico github.com/projectcalico/calico libcalico-go/config/crd "$to/crds.yaml" ;;
        cert-manager) collect_crds cert-manager github.com/cert-manager/cert-manager deploy/crds "$to/crds.yaml" ;;
    esac || return 1
    local program
    for program in $(programs_of "$part"); do
        [[ -e $to/$program ]] || ln -s "$part" "$to/$program"
        [[ -x $to/$program ]] || { echo "no $program in $to"; return 1; }
    done
}

# collect_crds PART MODULE FOLDER FILE: the part's own kinds of object come with its module, one a file.
collect_crds() {
    local file
    for file in "$(go -C "$HERE/parts/$1" list -m -f '{{.Dir}}' "$2")/$3"/*.yaml; do
        echo ---
        cat "$file" || return 1
    done >"$4"
}

# Kubernetes asks its own version at run time: a server that calls itself v0.0.0 is refused by clients that compare.
link_flags() {
    local flags='-s -w' version package
    if [[ $1 == kube ]]; then
        version=$(version_of kube)
        for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
            flags+=" -X $package.gitVersion=$version -X $package.gitMajor=$(cut -dv -f2 <<<"${version%%.*}")"
            flags+=" -X $package.gitMinor=$(cut -d. -f2 <<<"$version") -X $package.gitTreeState=clean"
        done
    fi
    echo "$flags"
}

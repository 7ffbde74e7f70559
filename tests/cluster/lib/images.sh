# shellcheck shell=bash
# Images without a container engine: an archive of one layer, as `docker save` would write it, made of files or of a root folder.

# make_image NAME ARCHIVE ROOT-FOLDER|"" [FILE[:PATH]...]: a file goes to /bin, or to the path named, with the libraries that it needs.
make_image() (
    name=$1 archive=$2 root=$3
    shift 3
    work=$(mktemp -d "${TMPDIR:-/tmp}/kennel-image.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/root" "$work/image"
    [[ -z $root ]] || cp -a "$root/." "$work/root/"
    first=
    for file in "$@"; do
        path=/bin/$(basename "${file%%:*}")
        [[ $file != *:* ]] || path=${file#*:}
        copy_with_libraries "${file%%:*}" "$work/root" "$path"
        first=${first:-$path}
    done
    (($# > 0)) || [[ -n $root ]] || fail "an image needs a --rootfs or a file"
    furnish_root "$work/root"
    tar -C "$work/root" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$work/image/layer.tar" .
    describe_image "$name" "$first" "$(sha256sum <"$work/image/layer.tar" | cut -d' ' -f1)" "$work/image"
    tar -C "$work/image" --sort=name --owner=0 --group=0 --mtime=@0 -cf "$work/archive" manifest.json config.json layer.tar
    mv "$work/archive" "$archive"
)

copy_with_libraries() {
    local file=$1 root=$2 path=$3 library
    [[ -f $file ]] || fail "no file $file"
    install -D -m 755 "$file" "$root$path"
    # A static program has no libraries, and ldd says so by failing.
    while read -r library; do
        [[ -e $root$library ]] || install -D -m 755 "$library" "$root$library"
    done < <({ ldd "$file" 2>/dev/null || true; } | grep -o '/[^ ]*')
    if ldd "$file" 2>/dev/null | grep -q 'not found'; then
        fail "$file needs libraries that this machine has not: $(ldd "$file" | grep 'not found' | awk '{ print $1 }' | paste -sd ' ')"
    fi
}

# What programs expect of any root folder: who is who, and a place for temporary files.
furnish_root() {
    mkdir -p "$1/etc" "$1/tmp"
    chmod 1777 "$1/tmp"
    [[ -e $1/etc/passwd ]] || printf 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$1/etc/passwd"
    [[ -e $1/etc/group ]] || printf 'root:x:0:\nnogroup:x:65534:\n' >"$1/etc/group"
}

describe_image() {
    local name=$1 entry=$2 layer=$3 folder=$4 architecture
    architecture=$(case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac)
    [[ $name == *:* ]] || name+=:latest
    [[ -z $entry ]] || entry=", \"Entrypoint\": [\"$entry\"]"
    cat >"$folder/config.json" <<JSON
{"architecture": "$architecture", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:$layer"]},
 "config": {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]$entry}}
JSON
    printf '[{"Config": "config.json", "RepoTags": ["%s"], "Layers": ["layer.tar"]}]\n' "$name" >"$folder/manifest.json"
}

import_image() { in_node "$STATE/bin/ctr" -n k8s.io images import --local "$1" >>"$STATE/logs/images" 2>&1; }
containerd_answers() { in_node "$STATE/bin/ctr" version; }

# The images that the cluster itself needs, kept in the cache beside the program they hold.
import_own_images() {
    local part program archive lock
    exec {lock}>"$CACHE/images.lock"
    flock "$lock"
    for part in pause coredns; do
        program=BIN_$part
        archive=${!program}/image.tar
        [[ -e $archive ]] || make_image "kennel.test/$part:1" "$archive" "" "${!program}/$part"
        import_image "$archive" || { tail -n 5 "$STATE/logs/images" >&2; fail "importing the image of $part failed, see above"; }
    done
    exec {lock}>&-
}

# load_image NAME ARCHIVE: into the cluster that runs here, or into another one by the command that its owner names.
load_image() {
    if [[ -z ${KENNEL_TEST_KUBECONFIG-} ]]; then
        ((EUID == 0)) || fail "load-image needs root, as up did"
        [[ -n $(node_pid) ]] || fail "no cluster runs; start it with: $HERE/cluster up"
        import_image "$2" || { tail -n 5 "$STATE/logs/images" >&2; fail "importing $1 failed, see above"; }
    elif [[ -n ${KENNEL_TEST_LOAD_IMAGE-} ]]; then
        # A command with arguments, such as `kind load image-archive`.
        # shellcheck disable=SC2086
        $KENNEL_TEST_LOAD_IMAGE "$2" || fail "KENNEL_TEST_LOAD_IMAGE ($KENNEL_TEST_LOAD_IMAGE) failed for $1"
    else
        fail "KENNEL_TEST_KUBECONFIG names another cluster: set KENNEL_TEST_LOAD_IMAGE to the command that loads an image archive" \
            "into it, such as 'kind load image-archive' or 'k3s ctr images import' (for the smoke test KENNEL_TEST_IMAGE may instead name" \
            "an image with busybox that it can pull)"
    fi
}

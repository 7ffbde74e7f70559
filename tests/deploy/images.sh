# shellcheck shell=bash
# The images of tests/deploy: ours, as users make it, and one with stock clients that stands for workloads.

have_images() {
    local program
    need_packages busybox-static
    copy_with_libraries /bin/busybox "$WORK/root" /bin/busybox
    for program in $(/bin/busybox --list); do
        [[ $program == busybox ]] || ln -s busybox "$WORK/root/bin/$program"
    done
    add_peers
    check "the image of our programs, from deploy/image" load_own_image || exit 1
    check "it holds them and nothing else" own_image_is_bare || exit 1
    check "an image with MIT's clients, Python's GSS-API and Java" "$HERE/cluster" load-image kennel.test/krb5:dev --rootfs "$WORK/root" \
        /usr/bin/klist /usr/bin/kvno /usr/bin/kinit || exit 1
}

# Debian's Python with its GSS-API, Java, and the peers of the interop tests.
add_peers() {
    local module
    copy_with_libraries "$(readlink -f /usr/bin/python3)" "$WORK/root" /usr/bin/python3
    mkdir -p "$WORK/root/usr/lib/python3/dist-packages"
    cp -a /usr/lib/python3.* "$WORK/root/usr/lib/"
    rm -rf "$WORK"/root/usr/lib/python3.*/{test,idlelib,config-*}
    cp -a /usr/lib/python3/dist-packages/{gssapi,decorator.py} "$WORK/root/usr/lib/python3/dist-packages/"
    while read -r module; do
        copy_with_libraries "$module" "$WORK/root" "$module"
    done < <(find /usr/lib/python3.*/lib-dynload /usr/lib/python3/dist-packages/gssapi -name '*.so')
    cp "$ROOT/tests/interop/programs/gssapi_peer.py" "$WORK/root/"
    # Java, as small as it gets with Kerberos in it.
    jlink --add-modules jdk.security.auth,jdk.security.jgss --strip-debug --no-man-pages --no-header-files \
        --output "$WORK/root/java" >/dev/null
    javac -nowarn -d "$WORK/root/java/classes" "$ROOT/tests/interop/programs/JgssPeer.java"
    while read -r module; do
        [[ -e $WORK/root$module ]] || install -D -m 755 "$module" "$WORK/root$module"
    done < <(find "$WORK/root/java" '(' -name '*.so' -o -path '*/bin/java' ')' -exec ldd {} + | grep -oE ' /(usr/)?lib[^ ]*' | sort -u | tr -d ' ')
    # The acceptor's replay cache.
    install -d -m 1777 "$WORK/root/var/tmp"
}

# The image that users make, by Debian's buildah, which keeps nothing of it on this machine.
load_own_image() {
    printf '[storage]\ndriver = "vfs"\nrunroot = "%s"\ngraphroot = "%s"\n' "$WORK/containers/run" "$WORK/containers/root" >"$WORK/storage.conf"
    CONTAINERS_STORAGE_CONF=$WORK/storage.conf CONTAINER_BUILDER=buildah \
        "$ROOT/deploy/image/build" --tag kennel.test/kennel:dev --archive "$WORK/kennel.tar" &&
        load_image kennel.test/kennel:dev "$WORK/kennel.tar"
}
# No shell, no library, no user but a number.
own_image_is_bare() {
    local folder=$WORK/unpacked files
    mkdir -p "$folder"
    tar -C "$folder" -xf "$WORK/kennel.tar"
    files=$(for layer in $(python3 -c 'import json, sys; print(*json.load(open(sys.argv[1]))[0]["Layers"])' "$folder/manifest.json"); do
        tar -tf "$folder/$layer"
    done | grep -v '/$' | sed 's,^[.]/,,' | sort)
    diff <(printf '%s\n' bin/kennel bin/kennel-agent bin/kennel-kdc) <(echo "$files") &&
        python3 - "$folder" <<'PY'
import json, sys
folder = sys.argv[1]
config = json.load(open(folder + "/" + json.load(open(folder + "/manifest.json"))[0]["Config"]))["config"]
assert config["User"] == "65532:65532" and config["Entrypoint"] == ["/bin/kennel-kdc"], config
PY
}

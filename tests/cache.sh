# shellcheck shell=bash
# Compiled dependencies, shared between clones: what cargo made of the crates of others is copied into the cache after a run, and
# into the target folder of a fresh clone before one. Our own crates are left out: cargo compares their times, and another
# clone's would look new enough. Sourced by tests/run.

DEPENDENCIES=${CACHE:?}/dependencies
# What cargo keeps of a profile, and the folders of the profiles that the tests build.
PARTS_OF_PROFILE=(.fingerprint build deps)
PROFILES=(debug release "$HOST/release" fuzz/release "fuzz/$HOST/release")

# Only what a target folder does not have yet, and under its name once all of it is there: cargo believes a file that has the
# right time.
restore_dependencies() {
    [[ -d $DEPENDENCIES && ! -d $TARGET/debug && ! -d $TARGET/$HOST ]] || return 0
    local unfinished=$TARGET/.restoring folder
    rm -rf "$unfinished"
    mkdir -p "$TARGET"
    cp -a --reflink=auto "$DEPENDENCIES" "$unfinished"
    for folder in "$unfinished"/*; do
        [[ -e $TARGET/${folder##*/} ]] || mv "$folder" "$TARGET/"
    done
    rm -rf "$unfinished"
}

save_dependencies() {
    local key profile part folders=()
    key=$(dependencies_key)
    [[ $(cat "$DEPENDENCIES/.key" 2>/dev/null) != "$key" ]] || return 0
    for profile in "${PROFILES[@]}"; do
        for part in "${PARTS_OF_PROFILE[@]}"; do
            [[ ! -d $TARGET/$profile/$part ]] || folders+=("$profile/$part")
        done
    done
    rm -rf "$DEPENDENCIES.new"
    mkdir -p "$DEPENDENCIES.new"
    # Libraries and their fingerprints; neither ours nor the tests' programs, which have no ending.
    (cd "$TARGET" && find "${folders[@]}" \( -name 'kennel*' -o -name 'libkennel*' \) -prune -o \
        -type f ! \( -path '*/deps/*' ! -name '*.*' \) -print0 | tar --null -T - -cf -) | tar -C "$DEPENDENCIES.new" -xf -
    echo "$key" >"$DEPENDENCIES.new/.key"
    rm -rf "$DEPENDENCIES"
    mv "$DEPENDENCIES.new" "$DEPENDENCIES"
}

# What the compiled crates depend on.
dependencies_key() {
    { rustc -vV; rustc +nightly -vV; cat Cargo.lock Cargo.toml fuzz/Cargo.lock fuzz/Cargo.toml deploy/image/static.sh; } |
        sha256sum
}

# shellcheck shell=bash
# Compiles the programs of the image. `build` and the tests source this file, so that their tools share compiled crates.

HOST=$(rustc -vV | sed -n 's/^host: //p')

# static_cargo COMMAND...: runs cargo for a release with the C library linked statically. glibc 2.34 or later resolves names
# without further files.
static_cargo() {
    local variable
    [[ $HOST == *-linux-* ]] || { echo "images are for Linux: run this on a Linux machine, not on $HOST" >&2; return 1; }
    variable=CARGO_TARGET_$(tr a-z- A-Z_ <<<"$HOST")_RUSTFLAGS
    env "$variable=-C target-feature=+crt-static" CARGO_PROFILE_RELEASE_STRIP=debuginfo \
        cargo "$1" --locked --release --target "$HOST" "${@:2}"
}

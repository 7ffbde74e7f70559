# shellcheck shell=bash
# How the programs of the image are compiled. Sourced by build, and by the tests, whose tools then share what is compiled.

HOST=$(rustc -vV | sed -n 's/^host: //p')

# static_cargo COMMAND...: cargo, for a release with the C library in the program: glibc 2.34 or later asks name servers without
# any file beside it.
static_cargo() {
    local variable
    [[ $HOST == *-linux-* ]] || { echo "images are for Linux: run it on a Linux machine, not on $HOST" >&2; return 1; }
    variable=CARGO_TARGET_$(tr a-z- A-Z_ <<<"$HOST")_RUSTFLAGS
    env "$variable=-C target-feature=+crt-static" CARGO_PROFILE_RELEASE_STRIP=debuginfo \
        cargo "$1" --locked --release --target "$HOST" "${@:2}"
}

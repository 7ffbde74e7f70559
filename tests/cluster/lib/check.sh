# shellcheck shell=bash
# Checks of a test script: each has a sentence; one that fails prints what its command said; a closing line counts both.

PASSED=0 FAILED=0

# check SENTENCE COMMAND...: what the command said is in CHECK_OUTPUT afterwards.
check() {
    local sentence=$1
    shift
    if CHECK_OUTPUT=$("$@" 2>&1); then
        PASSED=$((PASSED + 1))
        printf 'ok      %s\n' "$sentence"
    else
        FAILED=$((FAILED + 1))
        printf 'FAILED  %s\n' "$sentence"
        printf '%s\n' "$CHECK_OUTPUT" | tail -n 25 | sed 's/^/        /'
        return 1
    fi
}

close_checks() {
    printf '%s passed, %s failed\n' "$PASSED" "$FAILED"
    ((FAILED == 0))
}

#!/usr/bin/env bash
# Puts a fault into a copy of the sources and expects the tests of the crate to notice; once for every patch beside this script.
#
#   tests/mutations/run.sh [NAME ...]        default: every *.patch
#
# The head of a patch says what the fault is (`Fault:`) and whose tests must notice (`Crates:`, package names). A patch that no
# longer applies fails the run: put the same fault into the new code with `git diff >tests/mutations/NAME.patch`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=$(mkdir -p "${CARGO_TARGET_DIR:-$root/target}" && cd "${CARGO_TARGET_DIR:-$root/target}" && pwd)
# The copy stays where it is from one fault to the next, so that only the crate with the fault is built again; what other people
# wrote is shared with every other build.
export CARGO_TARGET_DIR=$target
copy=$target/mutations/tree

# A new copy, every file with the time of now: cargo then builds our crates again, whatever an earlier run left behind.
rm -rf "$copy"
mkdir -p "$copy"
tar --create --directory "$root" --exclude ./target --exclude ./.git --exclude node_modules --exclude __pycache__ . |
    tar --extract --touch --directory "$copy"

head_of() { sed -n "s/^$1: //p" "$2" | head -n 1; }

# tests PACKAGES...: runs them in the copy.
tests() {
    local packages=()
    for package in "$@"; do packages+=(-p "$package"); done
    (cd "$copy" && cargo test --release --no-fail-fast "${packages[@]}")
}

patches=()
for name in "$@"; do patches+=("$here/${name%.patch}.patch"); done
[ ${#patches[@]} -gt 0 ] || patches=("$here"/*.patch)

mapfile -t all < <(for patch in "${patches[@]}"; do head_of Crates "$patch" | tr ' ' '\n'; done | sort -u)
echo "without a fault: ${all[*]}"
log=$target/mutations/none.log
tests "${all[@]}" >"$log" 2>&1 || { tail -n 30 "$log"; echo "FAILED: the tests fail without a fault, so they prove nothing"; exit 1; }

apply=(--directory "$copy" --strip 1 --quiet --force --no-backup-if-mismatch)
missed=0
for patch in "${patches[@]}"; do
    name=$(basename "$patch" .patch)
    log=$target/mutations/$name.log
    read -ra crates <<<"$(head_of Crates "$patch")"
    echo "$name: $(head_of Fault "$patch")"
    if ! patch --dry-run "${apply[@]}" <"$patch"; then
        echo "  FAILED: the patch no longer applies"
        missed=$((missed + 1))
        continue
    fi
    patch "${apply[@]}" <"$patch"
    if tests "${crates[@]}" >"$log" 2>&1; then
        echo "  FAILED: no test of ${crates[*]} noticed"
        missed=$((missed + 1))
    elif grep -q '^test result: FAILED' "$log"; then
        grep -E '^test .* FAILED$' "$log" | sort -u | head -n 5 | sed 's/^/  noticed by /; s/ \.\.\. FAILED//'
    else
        tail -n 20 "$log"
        echo "  FAILED: the fault does not compile"
        missed=$((missed + 1))
    fi
    patch --reverse "${apply[@]}" <"$patch"
done
echo "${#patches[@]} faults, $missed missed"
[ "$missed" = 0 ]

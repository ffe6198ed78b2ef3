#!/bin/sh
# Records what services say to each other while a command runs, usually the integration tests, and has wirelint judge it.
#
#     gate.sh COMMAND [ARGUMENT...]       record while it runs, then judge
#     AUDIT_CAPTURES='*.pcap' gate.sh     judge captures that are there already
#
# Ends with the command's code if the command failed, else with that of `wirelint check`; with 5 if nothing could be
# recorded, and then the command was not run. Both codes are told apart in AUDIT_DIR/codes.env, and to GitHub as outputs.
#
# Settings come from the environment; every one may be left out:
#     AUDIT_DIR           folder of what is written (audit)
#     AUDIT_INTERFACE     where tcpdump listens (any)
#     AUDIT_FILTER        what it records, as a BPF filter (tcp or udp port 53)
#     AUDIT_CAPTURES      captures to judge instead of recording, separated by spaces
#     AUDIT_KEEP_CAPTURE  yes keeps AUDIT_DIR/run.pcap, which may hold secrets; else it is removed at the end
#     AUDIT_FORMATS       reports to write (json html sarif junit)
#     AUDIT_FAIL_ON, AUDIT_BASELINE, AUDIT_POLICY, AUDIT_SERVICES, AUDIT_KEYLOG, AUDIT_CONFIG
#                         the options of `wirelint check` that are called so
#     AUDIT_OPTIONS       more of its options, separated by spaces
#     AUDIT_WIRELINT      the program (wirelint)
#     AUDIT_SETTLE        seconds that tcpdump goes on when the command has ended (2)
set -eu
command_umask=$(umask)
umask 077

dir=${AUDIT_DIR:-audit}
wirelint=${AUDIT_WIRELINT:-wirelint}
capture=$dir/run.pcap
log=$dir/tcpdump.log
pid_file=$dir/tcpdump.pid
recorder=

say() {
    printf 'gate: %s\n' "$*" >&2
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

cannot_record() {
    say "$1"
    if [ -s "$log" ]; then sed 's/^/gate: /' "$log" >&2; fi
    finish '' 5
}

# tcpdump writes its number down by itself: sudo would pass no signal on that comes from its own process group.
start_recording() {
    command -v tcpdump >/dev/null || cannot_record 'there is no tcpdump; please install it'
    rm -f "$capture" "$pid_file"
    : >"$log"
    # shellcheck disable=SC2016 # it is the inner shell that expands
    as_root sh -c 'umask 022; echo $$ >"$1"; umask 077; shift; exec tcpdump "$@"' sh "$pid_file" \
        -i "${AUDIT_INTERFACE:-any}" -s 0 -U -n -Z root -w "$capture" \
        "${AUDIT_FILTER:-tcp or udp port 53}" 2>"$log" &
    recorder=$!
    tries=0
    until grep -q 'listening on' "$log"; do
        tries=$((tries + 1))
        if ! as_root kill -0 "$recorder" 2>/dev/null || [ "$tries" -gt 20 ]; then
            # It may have said so since, and have ended.
            if grep -q 'listening on' "$log"; then break; fi
            stop_recording
            cannot_record 'tcpdump does not record'
        fi
        sleep 1
    done
}

# SIGINT lets tcpdump write what it holds; when it has ended, the file is whole.
stop_recording() {
    [ -n "$recorder" ] || return 0
    pid=$(cat "$pid_file" 2>/dev/null || :)
    if [ -n "$pid" ]; then
        as_root kill -INT "$pid" 2>/dev/null || :
        (sleep 30 && as_root kill -KILL "$pid") >/dev/null 2>&1 &
        watchdog=$!
        wait "$recorder" || say "tcpdump ended with $?"
        kill "$watchdog" 2>/dev/null || :
    fi
    recorder=
    if [ -e "$capture" ]; then as_root chown "$(id -u):$(id -g)" "$capture"; fi
    rm -f "$pid_file"
}

tell_losses() {
    lost=$(sed -n 's/^\([1-9][0-9]*\) packets\{0,1\} dropped by .*/\1/p' "$log" | head -n 1)
    if [ -n "$lost" ]; then
        say "tcpdump lost $lost packets; the audit knows less than was said (record less: AUDIT_FILTER)"
    fi
}

# The name of a report, by its format.
report_of() {
    case $1 in
        html) echo "$dir/report.html" ;;
        sarif) echo "$dir/wirelint.sarif" ;;
        junit) echo "$dir/junit.xml" ;;
        gitlab) echo "$dir/gl-code-quality-report.json" ;;
        json) echo "$dir/report.json" ;;
        ndjson) echo "$dir/events.ndjson" ;;
        markdown) echo "$dir/report.md" ;;
        csv-*) echo "$dir/${1#csv-}.csv" ;;
        *) echo "$dir/report.$1" ;;
    esac
}

judge() {
    set -- check --evidence "$dir/evidence"
    for format in ${AUDIT_FORMATS:-json html sarif junit}; do
        set -- "$@" -o "$format=$(report_of "$format")"
    done
    [ -z "${AUDIT_FAIL_ON:-}" ] || set -- "$@" --fail-on "$AUDIT_FAIL_ON"
    [ -z "${AUDIT_BASELINE:-}" ] || set -- "$@" --baseline "$AUDIT_BASELINE"
    [ -z "${AUDIT_POLICY:-}" ] || set -- "$@" --policy "$AUDIT_POLICY"
    [ -z "${AUDIT_SERVICES:-}" ] || set -- "$@" --services "$AUDIT_SERVICES"
    [ -z "${AUDIT_KEYLOG:-}" ] || set -- "$@" --keylog "$AUDIT_KEYLOG"
    [ -z "${AUDIT_CONFIG:-}" ] || set -- "$@" --config "$AUDIT_CONFIG"
    # shellcheck disable=SC2086 # both are lists, and captures may be patterns
    "$wirelint" "$@" ${AUDIT_OPTIONS:-} -- ${AUDIT_CAPTURES:-"$capture"}
}

# Writes both codes down and ends: finish CODE_OF_COMMAND CODE_OF_AUDIT
finish() {
    trap - EXIT
    if [ "${AUDIT_KEEP_CAPTURE:-}" != yes ]; then rm -f "$capture"; fi
    printf 'COMMAND_EXIT_CODE=%s\nAUDIT_EXIT_CODE=%s\n' "$1" "$2" >"$dir/codes.env"
    if [ -n "${GITHUB_OUTPUT:-}" ]; then
        printf 'command-exit-code=%s\nexit-code=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
    fi
    said="the audit ended with $2; see $dir/"
    if [ -z "$1" ]; then
        say "no command was run; $said"
    else
        say "the command ended with $1, $said"
        if [ "$1" -ne 0 ]; then exit "$1"; fi
    fi
    exit "$2"
}

# shellcheck disable=SC2317 # called by the trap
abandon() {
    stop_recording
    if [ "${AUDIT_KEEP_CAPTURE:-}" != yes ]; then rm -f "$capture"; fi
}

if [ $# -eq 0 ] && [ -z "${AUDIT_CAPTURES:-}" ]; then
    sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p;}' "$0" >&2
    exit 2
fi
if ! command -v "$wirelint" >/dev/null; then
    say "there is no $wirelint; name the program with AUDIT_WIRELINT"
    exit 2
fi
mkdir -p "$dir"
command_code=
audit_code=0
if [ -z "${AUDIT_CAPTURES:-}" ]; then
    trap abandon EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    start_recording
    command_code=0
    (umask "$command_umask" && exec "$@") || command_code=$?
    sleep "${AUDIT_SETTLE:-2}"
    stop_recording
    tell_losses
fi
judge || audit_code=$?
finish "$command_code" "$audit_code"

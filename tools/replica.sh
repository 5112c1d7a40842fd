# Sourced by the Makefile: run a command with the replica up, and leave things as they were.

with_replica() {
    if [ -n "${MAINNET_RPC_URL:-}" ]; then
        "$@"
        return
    fi
    said=$(.venv/bin/ape run replica start --json) || return
    case $said in *'"stale": true'*)
        .venv/bin/ape run replica stop >/dev/null && said=$(.venv/bin/ape run replica start --json) || return ;;
    esac
    "$@"
    result=$?
    case $said in *'"started": true'*) .venv/bin/ape run replica stop >/dev/null ;; esac
    return $result
}

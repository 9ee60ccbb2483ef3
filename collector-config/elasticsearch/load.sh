#!/bin/sh
# Gives Elasticsearch the templates of our log records; may be run again at any time. Load them before the first record.
# See usage below; needs curl.
set -eu

usage() {
    cat <<'TEXT'
load.sh [--minimal | --full] [--profile py_rt]

  --full      with a lifecycle: a new index every day, deleted after 30 days
  --minimal   without, for a build that knows no lifecycle policies: nothing is deleted
  otherwise   Elasticsearch is asked which of the two it can
  --profile   further names for the fields of log records, as the queries of that system have them; py_rt has some

ELASTICSEARCH_URL        http://127.0.0.1:9200
ELASTICSEARCH_USERNAME   elastic, if there is a password
ELASTICSEARCH_PASSWORD   none
ELASTICSEARCH_CA         file of the certificate authority, for https
KIBANA_PASSWORD          if set, the user kibana_system, as whom Kibana logs in, gets this password
TEXT
}

fail() {
    echo "load.sh: $*" >&2
    exit 1
}

# Method, path, body; leaves `status` and `answer`. Passwords go by standard input: everybody sees arguments.
ask() {
    told=$(
        settings "${3:-}" | curl --silent --show-error --max-time 30 --config - --request "$1" \
            ${ELASTICSEARCH_CA:+--cacert "$ELASTICSEARCH_CA"} --write-out '\n%{http_code}' \
            --header 'content-type: application/json' "$url/$2"
    ) || fail "$url cannot be reached; see the line above and ELASTICSEARCH_URL."
    status=${told##*
}
    answer=${told%
*}
    case $status in
        401 | 403) fail "$url refuses ($status). Set ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD of a user that may manage templates." ;;
    esac
}

# For curl: who asks, and the body.
settings() {
    if [ -n "${ELASTICSEARCH_PASSWORD:-}" ]; then
        printf 'user = "%s"\n' "$(quoted "${ELASTICSEARCH_USERNAME:-elastic}:$ELASTICSEARCH_PASSWORD")"
    fi
    if [ -n "$1" ]; then
        printf 'data-binary = "%s"\n' "$(quoted "$1")"
    fi
}

# As JSON and curl want it, on one line.
quoted() {
    printf '%s' "$1" | tr -d '\n' | sed 's/[\\"]/\\&/g'
}

put() {
    ask PUT "$1" "$(cat "$2")"
    [ "$status" = 200 ] || fail "Elasticsearch refuses $1 ($status): $answer"
    echo "$1"
}

has_lifecycle_policies() {
    ask GET _ilm/status
    [ "$status" = 200 ]
}

load_full() {
    put _ilm/policy/otel-trading-logs otel-trading-logs-policy.json
    put _component_template/otel-trading-lifecycle otel-trading-lifecycle.json
    load_minimal
}

load_minimal() {
    put _component_template/otel-trading-names otel-trading-names.json
    put _component_template/otel-trading-orders otel-trading-orders.json
    [ -z "$profile" ] || put "_component_template/otel-trading-$profile" "otel-trading-$profile.json"
    put _index_template/logs-otel-trading logs-otel-trading.json
    put _index_template/logs-otel-trading-stdout logs-otel-trading-stdout.json
}

variant=
profile=
while [ $# -gt 0 ]; do
    case $1 in
        --minimal | --full) variant=$1 ;;
        --profile)
            [ "${2:-}" = py_rt ] || fail "--profile must be py_rt, the only one with names of its own; was '${2:-}'."
            profile=$2 && shift
            ;;
        -h | --help) usage && exit 0 ;;
        *) usage >&2 && fail "what is $1?" ;;
    esac
    shift
done
command -v curl >/dev/null || fail "curl is not installed."
cd "$(dirname "$0")"
url=${ELASTICSEARCH_URL:-http://127.0.0.1:9200}
url=${url%/}
if [ -z "$variant" ]; then
    if has_lifecycle_policies; then variant=--full; else variant=--minimal; fi
fi
echo "$url: ${variant#--}"
"load_${variant#--}"
if [ -n "${KIBANA_PASSWORD:-}" ]; then
    ask POST _security/user/kibana_system/_password "{\"password\": \"$(quoted "$KIBANA_PASSWORD")\"}"
    [ "$status" = 200 ] || fail "Elasticsearch refuses the password of kibana_system ($status): $answer"
    echo kibana_system
fi

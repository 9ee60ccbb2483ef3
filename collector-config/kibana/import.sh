#!/bin/sh
# Puts the data view, the saved searches and the dashboard into Kibana; may be run again, what was changed in them there
# is overwritten.
#
# import.sh [py_rt] [bog]  the log queries of those systems as well
#
# KIBANA_URL               http://127.0.0.1:5601
# ELASTICSEARCH_USERNAME   elastic, if there is a password
# ELASTICSEARCH_PASSWORD   none
set -eu

fail() {
    echo "import.sh: $*" >&2
    exit 1
}

# For curl, by standard input: everybody sees arguments.
login() {
    if [ -n "${ELASTICSEARCH_PASSWORD:-}" ]; then
        printf 'user = "%s"\n' "$(printf '%s' "${ELASTICSEARCH_USERNAME:-elastic}:$ELASTICSEARCH_PASSWORD" | sed 's/[\\"]/\\&/g')"
    fi
}

command -v curl >/dev/null || fail "curl is not installed."
cd "$(dirname "$0")"
url=${KIBANA_URL:-http://127.0.0.1:5601}
import() {
    told=$(
        login | curl --silent --show-error --max-time 60 --config - --write-out '\n%{http_code}' --header 'kbn-xsrf: true' \
            --form "file=@$1" "${url%/}/api/saved_objects/_import?overwrite=true"
    ) || fail "$url cannot be reached; see the line above and KIBANA_URL."
    case $told in
        *'"success":true'*200) echo "$url: $1" ;;
        *401 | *403) fail "$url refuses. Set ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD." ;;
        *) fail "$url did not take all of $1: $told" ;;
    esac
}

for system; do
    [ -f "otel-trading-$system.ndjson" ] || fail "there is no otel-trading-$system.ndjson: py_rt and bog have log queries."
done
import otel-trading.ndjson
for system; do
    import "otel-trading-$system.ndjson"
done

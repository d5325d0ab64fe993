#!/usr/bin/env bash
# Start the example against the mock: KAFKA=127.0.0.1:9092 bash start.sh; further words go to `syncflow run`: --limit 3
set -euo pipefail
cd "$(dirname "$0")"
syncflow mock >/dev/null & mock=$!
trap 'kill $mock' EXIT
until (: <"/dev/tcp/127.0.0.1/${MOCK_PORT:-8000}") 2>/dev/null; do sleep 0.1; done
python in_kafka.py first_day.jsonl
syncflow check
syncflow run "$@"

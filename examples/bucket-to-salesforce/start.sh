#!/usr/bin/env bash
# Start the example against the mock: bash start.sh
set -euo pipefail
cd "$(dirname "$0")"
syncflow mock >/dev/null & mock=$!
trap 'kill $mock' EXIT
until (: <"/dev/tcp/127.0.0.1/${MOCK_PORT:-8000}") 2>/dev/null; do sleep 0.1; done
syncflow run --quiet
cp -R later/. bucket
syncflow run --quiet

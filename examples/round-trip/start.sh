#!/usr/bin/env bash
# Start the example against the mock: bash start.sh
set -euo pipefail
cd "$(dirname "$0")"
python shop.py shop.sql
syncflow mock >/dev/null & mock=$!
trap 'kill $mock' EXIT
until (: <"/dev/tcp/127.0.0.1/${MOCK_PORT:-8000}") 2>/dev/null; do sleep 0.1; done
syncflow run --quiet --limit 3                  # the shop's three rows
syncflow run --quiet --limit 2 & run=$!         # a change of HubSpot, and its echo
until (: <"/dev/tcp/127.0.0.1/${WEBHOOK_PORT:-8765}") 2>/dev/null; do sleep 0.1; done
python post.py hubspot_says.json
wait $run
python shop.py shows.sql

#!/usr/bin/env bash
# From nothing to a trained, tested model:
#     bash tools/quickstart.sh [--short]
# Makes .venv with the pinned stack if it is not there, writes synthetic data,
# trains a small SelM, tests it with the true and with swapped sound, and
# leaves overlays, a video and summary.json in work_dirs/quickstart.
set -euo pipefail

STARTED=$(date +%s)
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/_environment.sh
. "$ROOT/tools/_environment.sh"

case ${1:-} in
    -h|--help) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
esac

make_venv "$ROOT/.venv" "$ROOT/requirements/reference.txt" 8000
install_mmavs "$ROOT/.venv"

cd "$ROOT"
# Threads that spin while they wait make shared cores many times slower, and
# threads that go to sleep at once make free ones slower than one thread.
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-20000}
exec "$ROOT/.venv/bin/python" tools/quickstart.py --started "$STARTED" "$@"

#!/usr/bin/env bash
# Gradio for "mmavs demo", without touching the pinned packages of .venv:
#     bash tools/demo_environment.sh
#     .venv-demo/bin/python -m mmavs.cli demo
# .venv-demo is a thin environment: it sees all of .venv and holds only what
# gradio adds, with the older Pillow that gradio asks for.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/_environment.sh
. "$ROOT/tools/_environment.sh"

case ${1:-} in
    -h|--help) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
esac

make_venv "$ROOT/.venv" "$ROOT/requirements/reference.txt" 8000
install_mmavs "$ROOT/.venv"

DEMO=$ROOT/.venv-demo
MARKER=$DEMO/.mmavs-requirements
HASH="$ROOT $(requirements_hash "$ROOT/requirements/demo.txt")"
[ "$(cat "$MARKER" 2> /dev/null)" = "$HASH" ] && exit 0

site_packages() {
    "$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
}
say "making $DEMO on top of $ROOT/.venv"
rm -rf "$DEMO"
"$ROOT/.venv/bin/python" -m venv "$DEMO" || stop "could not make $DEMO"
# addsitedir also reads the .pth files there, one of which finds mmavs.
printf 'import site; site.addsitedir("%s")\n' "$(site_packages "$ROOT/.venv")" \
    > "$(site_packages "$DEMO")/mmavs-base.pth"
"$DEMO/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r "$ROOT/requirements/demo.txt" \
    || stop "pip could not install gradio; is the package index reachable?"
printf '%s' "$HASH" > "$MARKER"

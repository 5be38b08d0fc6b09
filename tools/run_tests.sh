#!/usr/bin/env bash
# Run the tests in an environment of their own:
#     bash tools/run_tests.sh [--slow] [--stack onedl|openmmlab] [PYTEST ARGS]
# onedl: the pinned reference stack in .venv. openmmlab: the original packages
# in .venv-openmmlab; MMCV is compiled there once (about 15 minutes).
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tools/_environment.sh
. "$ROOT/tools/_environment.sh"

STACK=onedl
ARGS=()
while [ "$#" -gt 0 ]; do
    case $1 in
        --stack)
            [ "$#" -ge 2 ] || { say "--stack needs a value" >&2; exit 2; }
            STACK=$2
            shift ;;
        --stack=*) STACK=${1#--stack=} ;;
        -h|--help) sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) ARGS+=("$1") ;;
    esac
    shift
done

case $STACK in
    onedl)
        VENV=$ROOT/.venv
        make_venv "$VENV" "$ROOT/requirements/reference.txt" 8000 ;;
    openmmlab)
        VENV=$ROOT/.venv-openmmlab
        make_venv "$VENV" "$ROOT/requirements/openmmlab.txt" 9000
        if ! "$VENV/bin/python" -c 'import mmcv.ops' > /dev/null 2>&1; then
            command -v g++ > /dev/null || stop "compiling MMCV needs g++ \
(Debian and Ubuntu: apt install g++)"
            say "compiling mmcv 2.1.0 (about 15 minutes on 2 cores)"
            MMCV_WITH_OPS=1 FORCE_CUDA=0 MAX_JOBS=${MAX_JOBS:-2} \
                "$VENV/bin/python" -m pip install --quiet --no-deps \
                --no-build-isolation --no-binary mmcv mmcv==2.1.0 \
                || stop "mmcv 2.1.0 could not be compiled"
        fi ;;
    *) say "--stack must be onedl or openmmlab, got $STACK" >&2; exit 2 ;;
esac
install_mmavs "$VENV"

cd "$ROOT"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-PASSIVE}
exec "$VENV/bin/python" -m pytest -q ${ARGS[@]+"${ARGS[@]}"}

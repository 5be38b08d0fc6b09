# Sourced by quickstart.sh and run_tests.sh: a virtual environment with a
# pinned stack, made once. Needs ROOT, the root of the checkout.

say() { printf '%s\n' "$*"; }
stop() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Print the first Python of a supported version.
find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3.11 python3.12 python3.10 python3 \
            python; do
        if "$candidate" -c 'import sys, venv, ensurepip
sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' \
                > /dev/null 2>&1; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# Megabytes free where the checkout is.
free_mb() { df -Pm "$ROOT" | awk 'NR == 2 {print $4}'; }

requirements_hash() {
    cksum < "$1" | tr ' ' '-' | tr -d '\n'
}

# make_venv FOLDER REQUIREMENTS MEGABYTES: (re)install unless the marker in
# FOLDER says that just these requirements are there.
make_venv() {
    local folder=$1 requirements=$2 megabytes=$3 python marker hash
    marker=$folder/.mmavs-requirements
    hash=$(requirements_hash "$requirements")
    if [ -x "$folder/bin/python" ] && [ "$(cat "$marker" 2> /dev/null)" \
            = "$hash" ]; then
        return 0
    fi
    if [ -x "$folder/bin/python" ] \
            && "$folder/bin/python" -c '' > /dev/null 2>&1; then
        megabytes=500  # most of it is there
    else
        python=$(find_python) || stop "Python 3.10, 3.11 or 3.12 with venv is \
needed and was not found. Install one of them (Debian and Ubuntu: apt install \
python3.11 python3.11-venv), or name it: PYTHON=/path/to/python bash $0"
    fi
    if [ "$(free_mb)" -lt "$megabytes" ]; then
        stop "$ROOT has $(free_mb) MB free, the installation needs \
$megabytes MB. Free some space, or clone to a larger disk."
    fi
    if [ -n "${python:-}" ]; then
        say "making $folder with $("$python" --version)"
        rm -rf "$folder"
        "$python" -m venv "$folder" || stop "$python could not make $folder"
    fi
    say "installing $(basename "$requirements") into $folder (some minutes)"
    "$folder/bin/python" -m pip install --quiet \
        --disable-pip-version-check -r "$requirements" \
        || stop "pip could not install $requirements; is the package index \
reachable? Running the same command again goes on."
    printf '%s' "$hash" > "$marker"
}

# install_mmavs FOLDER: the checkout itself, editable, without dependencies.
install_mmavs() {
    local marker=$1/.mmavs-setup hash
    hash="$ROOT $(cat "$ROOT/setup.cfg" "$ROOT/setup.py" | cksum)"
    if [ "$(cat "$marker" 2> /dev/null)" = "$hash" ] \
            && [ -e "$ROOT/mmavs/.mim/configs" ]; then
        return 0
    fi
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check \
        --no-deps --no-build-isolation -e "$ROOT" \
        || stop "pip could not install $ROOT"
    printf '%s' "$hash" > "$marker"
}

#!/usr/bin/env bash
# Make .venv hold what requirements.lock names. Does nothing where it already does.
#
# Uses uv where it is installed; otherwise venv and pip, which then fetch uv for its speed.
# FLATNESS_INSTALLER=pip keeps to venv and pip alone.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset VIRTUAL_ENV CONDA_PREFIX PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_USER PIP_REQUIRE_VIRTUALENV
readonly VENV="$PWD/.venv" INSTALLED="$PWD/.venv/requirements.lock" INSTALLER="${FLATNESS_INSTALLER:-uv}"

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

[[ $INSTALLER == uv || $INSTALLER == pip ]] || fail "FLATNESS_INSTALLER: expected uv or pip, found '$INSTALLER'."

# Whether the environment holds this lock file and was made in this folder (its scripts name their folder).
is_current() {
    cmp -s requirements.lock "$INSTALLED" && head -n 2 "$VENV/bin/dvc" 2>/dev/null | grep -qF "$VENV/bin/" &&
        "$VENV/bin/python" -c '' 2>/dev/null
}

require_machine() {
    [[ "$(uname -s) $(uname -m)" != "Darwin x86_64" ]] ||
        fail "Expected Linux or a Mac with Apple silicon, found an Intel Mac (Darwin x86_64): PyTorch is not made for it" \
            "any more. Run on another machine, or here in a Linux container (for example Docker's image python:3.12)." \
            "On Apple silicon this is a terminal under Rosetta: open one without it and run again."
}

find_python() {
    local name
    for name in python3.13 python3.12 python3.11 python3 python; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    fail "Expected Python 3.11 or later on PATH, found none ($(python3 --version 2>/dev/null || echo 'no python3'))." \
        "Install one, for example: apt-get install python3 python3-venv (Debian 12, Ubuntu 24.04)," \
        "or brew install python@3.12."
}

has_uv() {
    [[ $INSTALLER == uv ]] && uv --version >/dev/null 2>&1
}

# Whether .venv is an environment made in this folder that packages can be installed into.
is_usable() {
    grep -qF "$VENV" "$VENV/bin/activate" 2>/dev/null &&
        "$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null &&
        { has_uv || "$VENV/bin/python" -m pip --version >/dev/null 2>&1; }
}

make_venv() {
    local python=$1
    rm -rf "$VENV"
    if has_uv; then
        uv venv --quiet --python "$("$python" -c 'import sys; print(sys.executable)')" "$VENV"
    elif ! "$python" -m venv "$VENV"; then
        rm -rf "$VENV"
        fail "$python cannot make virtual environments: its module ensurepip is missing." \
            "On Debian and Ubuntu: apt-get install python3-venv; or install uv. Then run again."
    fi
}

install_packages() {
    local pip=("$VENV/bin/python" -m pip --disable-pip-version-check)
    if has_uv; then
        install_with_uv uv
    elif [[ $INSTALLER == uv ]] && "${pip[@]}" install --quiet uv; then
        install_with_uv "$VENV/bin/uv"
    else
        "${pip[@]}" install --require-hashes -r requirements.lock
    fi
}

# Once with uv's own certificates; where that fails, with the machine's, which a proxy may need. Compiled now, as pip
# does: where Python is told to write no bytecode, every stage would compile PyTorch again, for seconds each.
install_with_uv() {
    local command=("$1" pip install --compile-bytecode --python "$VENV/bin/python" --require-hashes
        -r requirements.lock)
    "${command[@]}" || {
        echo "Trying again with the machine's own certificates." >&2
        UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 "${command[@]}"
    }
}

# DVC asks git what is ignored. A downloaded archive has no .git: tell DVC to do without, in the folder of every scale.
configure_dvc() {
    local project
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        for project in . scales/*; do
            ! grep -qs no_scm "$project/.dvc/config.local" ||
                "$VENV/bin/dvc" --cd "$project" config --local --unset core.no_scm
        done
    else
        echo "Not a git clone, or git is not installed: DVC works without it (core.no_scm in .dvc/config.local)."
        for project in . scales/*; do
            grep -qs no_scm "$project/.dvc/config.local" || "$VENV/bin/dvc" --cd "$project" config --local core.no_scm true
        done
    fi
}

if ! is_current; then
    require_machine
    python="$(find_python)"
    echo "Installing the packages of requirements.lock into .venv (some 6 GB with PyTorch's CUDA libraries)."
    is_usable || make_venv "$python"
    install_packages
    cp requirements.lock "$INSTALLED"
fi
configure_dvc

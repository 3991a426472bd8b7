#!/usr/bin/env bash
# See that LaTeX can typeset the paper; install it where the machine is Debian or Ubuntu and the user may.
# Without it a warning: the pipeline computes everything up to the paper, and says so again there.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly PACKAGES=(latexmk texlive-latex-recommended texlive-latex-extra lmodern)

# Names of the LaTeX packages that the paper's sources load, one per line.
loaded_packages() {
    sed -nE 's/^[^%]*\\(usepackage|RequirePackage)(\[[^]]*\])?\{([^}]*)\}.*/\3/p' paper/*.tex | tr ',' '\n' | tr -d ' ' | sort -u
}

# What is missing, one per line; nothing where the paper can be typeset.
missing() {
    local name
    for name in pdflatex bibtex latexmk; do
        command -v "$name" >/dev/null || echo "$name"
    done
    command -v kpsewhich >/dev/null || return 0
    for name in $(loaded_packages); do
        kpsewhich "$name.sty" >/dev/null || echo "$name.sty"
    done
}

# The prefix that gives apt-get its rights: nothing as root, sudo where it asks for no password; fails elsewhere.
privilege() {
    [[ $(id -u) == 0 ]] && return
    sudo -n true 2>/dev/null && echo "sudo -n"
}

install_with_apt() {
    local as_root=$1
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
    $as_root "${apt[@]}" update && $as_root "${apt[@]}" install -y --no-install-recommends "${PACKAGES[@]}"
}

lacking="$(missing)"
if [[ -n $lacking ]] && command -v apt-get >/dev/null && as_root="$(privilege)"; then
    echo "Installing LaTeX: ${PACKAGES[*]} (missing: ${lacking//$'\n'/ })."
    install_with_apt "$as_root" || echo "apt-get failed." >&2
    lacking="$(missing)"
fi
if [[ -n $lacking ]]; then
    cat >&2 <<MESSAGE
The paper needs LaTeX. Missing here: ${lacking//$'\n'/ }.
Results and figures come without it, the last stage does not. Install it and run again:
  Debian, Ubuntu  apt-get install --no-install-recommends ${PACKAGES[*]}
  Fedora          dnf install latexmk texlive-scheme-medium
  macOS           brew install --cask mactex-no-gui
  elsewhere       TeX Live (scheme-medium) with latexmk
MESSAGE
fi

#!/usr/bin/env bash
# What the tests of the editors need, on Debian or Ubuntu, as root. Quick where all is there.
# Python's part is the extra `clients`: pip install -e '.[test,clients]'.
set -euo pipefail

editors=${FILLMASK_EDITORS:-$HOME/.cache/fillmask-ls/editors}
mkdir -p "$editors/bin"

missing=()
need() { # PACKAGE FILE...: the package, if none of the files exists
  local package=$1 file
  shift
  for file in "$@"; do
    [ -e "$file" ] && return
  done
  missing+=("$package")
}
need emacs-nox /usr/bin/emacs
need elpa-eglot /usr/share/emacs/site-lisp/elpa/eglot-*
need elpa-lsp-mode /usr/share/emacs/site-lisp/elpa/lsp-mode-*
need tmux /usr/bin/tmux
need chromium /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome
if [ ${#missing[@]} -gt 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q update || true # a list that can't be had need not be one that is needed
  apt-get -q -y --no-install-recommends install "${missing[@]}"
fi

# Editors of other Debians than this, with all their libraries, in a folder: nothing of the system is touched.
unpack() { # SUITE PACKAGE...; sets `root`, and `start`, which starts a program by the loader that it was built for
  root=$editors/$1
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$root"
  touch "$work/status"
  local mirror options package libraries loader
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' | head -n 1)
  echo "deb $mirror $1 main" >"$work/sources.list"
  options=(
    -o "Dir::State=$work/state" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache"
    -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
    -o APT::Sandbox::User=root -o Acquire::Check-Valid-Until=false
  )
  apt-get -q "${options[@]}" update
  apt-get -q -y "${options[@]}" --no-install-recommends --download-only install "${@:2}"
  for package in "$work"/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$root"
  done
  rm -rf "$root"/usr/share/{doc,locale,man}
  libraries=$root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo "$(uname -m)-linux-gnu")
  loader=$(find "$root/usr/lib64" "$libraries" -name 'ld-linux-*' 2>/dev/null | head -n 1)
  start="exec '$loader' --library-path '$libraries'"
}
wrap() { # NAME, then the script's lines
  printf '%s\n' '#!/bin/sh' "${@:2}" >"$work/$1"
  chmod +x "$work/$1"
  "$work/$1" --version | head -n 1
  mv "$work/$1" "$editors/bin/$1"
}
neovim() { # NAME
  wrap "$1" "export VIMRUNTIME='$root/usr/share/nvim/runtime'" \
    "$start '$root/usr/bin/nvim' --cmd 'set runtimepath+=$root/usr/lib/nvim' \"\$@\""
}
newer() (
  set -euo pipefail
  unpack testing neovim hx emacs-nox
  neovim nvim-next
  wrap hx "export HELIX_RUNTIME='$root/usr/lib/hx/runtime'" "$start '$root/usr/lib/hx/hx' \"\$@\""
  emacs=$(echo "$root"/usr/share/emacs/[0-9]*)
  lisp=$(find "$emacs/lisp" -type d -name obsolete -prune -o -type d -print | paste -sd:)
  dump=$(find "$root/usr/lib" "$root/usr/libexec" -name '*.pdmp' | head -n 1)
  wrap emacs-next "export EMACSLOADPATH='$lisp' EMACSDATA='$emacs/etc' EMACSDOC='$emacs/etc'" \
    "$start '$root/usr/bin/emacs-nox' --dump-file='$dump' \"\$@\""
)
older() (
  set -euo pipefail
  unpack trixie neovim
  neovim nvim-older
)
if ! [ -x "$editors/bin/emacs-next" ]; then
  newer || echo "install.sh: no newer Neovim and Emacs, and no Helix: their tests are skipped" >&2
fi
if ! [ -x "$editors/bin/nvim-older" ]; then
  older || echo "install.sh: no Neovim 0.10: its tests are skipped" >&2
fi

# JupyterLab wants an environment of its own: its requirements are not ours.
jupyterlab() (
  set -euo pipefail
  python3 -m venv "$editors/jupyterlab"
  "$editors/jupyterlab/bin/pip" install -q 'jupyterlab>=4.6,<5' 'jupyterlab-lsp>=5.3,<6'
  ln -sf "$editors/jupyterlab/bin/jupyter-lab" "$editors/bin/jupyter-lab" # the last: it says that all is there
)
if ! [ -x "$editors/bin/jupyter-lab" ]; then
  jupyterlab || echo "install.sh: no JupyterLab: its tests are skipped" >&2
fi

"$(dirname "$0")/install_vscode.sh" || echo "install.sh: no VS Code: its tests are skipped" >&2

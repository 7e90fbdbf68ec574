#!/usr/bin/env bash
# Install the editors for the tests in this folder, on Debian or Ubuntu, as root. Installed editors are kept.
# The Python packages are the extra `clients`: pip install -e '.[test,clients]'.
set -euo pipefail

editors=${FILLMASK_EDITORS:-$HOME/.cache/fillmask-ls/editors}
extension=$(cd "$(dirname "$0")/../../client-config/vscode" && pwd)
mkdir -p "$editors/bin"

# Packages of this system: Emacs with its language clients, tmux and Chromium.
missing=()
require() { # PACKAGE FILE...: install the package unless one of the files exists
  local package=$1 file
  shift
  for file in "$@"; do
    [ -e "$file" ] && return
  done
  missing+=("$package")
}
system_packages() {
  require emacs-nox /usr/bin/emacs
  require elpa-eglot /usr/share/emacs/site-lisp/elpa/eglot-*
  require elpa-lsp-mode /usr/share/emacs/site-lisp/elpa/lsp-mode-*
  require tmux /usr/bin/tmux
  require chromium /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome
  [ ${#missing[@]} -gt 0 ] || return 0
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q update || true # a list that fails to download may not be needed
  apt-get -q -y --no-install-recommends install "${missing[@]}"
}

# Editors of other Debian releases, unpacked into a folder with all their libraries. The system is not changed.
unpack() { # SUITE PACKAGE...; sets `root`, and `start`, which starts a program with its own dynamic loader
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
wrap() { # NAME LINE...: write a script that starts an unpacked program, and try it
  printf '%s\n' '#!/bin/sh' "${@:2}" >"$work/$1"
  chmod +x "$work/$1"
  "$work/$1" --version | head -n 1
  mv "$work/$1" "$editors/bin/$1"
}
wrap_neovim() { # NAME
  wrap "$1" "export VIMRUNTIME='$root/usr/share/nvim/runtime'" \
    "$start '$root/usr/bin/nvim' --cmd 'set runtimepath+=$root/usr/lib/nvim' \"\$@\""
}
newer_editors() {
  [ -x "$editors/bin/emacs-next" ] && return
  local emacs lisp dump
  unpack testing neovim hx emacs-nox
  wrap_neovim nvim-next
  wrap hx "export HELIX_RUNTIME='$root/usr/lib/hx/runtime'" "$start '$root/usr/lib/hx/hx' \"\$@\""
  emacs=$(echo "$root"/usr/share/emacs/[0-9]*)
  lisp=$(find "$emacs/lisp" -type d -name obsolete -prune -o -type d -print | paste -sd:)
  dump=$(find "$root/usr/lib" "$root/usr/libexec" -name '*.pdmp' | head -n 1)
  wrap emacs-next "export EMACSLOADPATH='$lisp' EMACSDATA='$emacs/etc' EMACSDOC='$emacs/etc'" \
    "$start '$root/usr/bin/emacs-nox' --dump-file='$dump' \"\$@\""
}
older_neovim() {
  [ -x "$editors/bin/nvim-older" ] && return
  unpack trixie neovim
  wrap_neovim nvim-older
}

# JupyterLab gets its own environment, because its requirements differ from the project's.
jupyterlab() {
  [ -x "$editors/bin/jupyter-lab" ] && return
  python3 -m venv "$editors/jupyterlab"
  "$editors/jupyterlab/bin/pip" install -q 'jupyterlab>=4.6,<5' 'jupyterlab-lsp>=5.3,<6'
  ln -sf "$editors/jupyterlab/bin/jupyter-lab" "$editors/bin/jupyter-lab" # last: marks a complete installation
}

# VS Code is code-server on a Node of its own. The extension is built with that Node, too.
vscode() {
  local sources
  if ! [ -x "$editors/node/node_modules/.bin/node" ]; then
    npm install --prefix "$editors/node" node@24
  fi
  export PATH=$editors/node/node_modules/.bin:$PATH
  code_server & # while the extension is built
  cd "$extension"
  sources=(src media scripts package.json package-lock.json README.md ../../LICENSE)
  if ! [ -e fillmask.vsix ] || [ -n "$(find "${sources[@]}" -newer fillmask.vsix)" ]; then
    if ! [ -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
      npm ci
    fi
    npm run package
  fi
  wait $!
}
code_server() {
  [ -e "$editors/code-server/.complete" ] && return
  # No package runs scripts: what they would compile isn't needed for an editor in a browser.
  npm install --prefix "$editors/code-server" --ignore-scripts code-server@4.139.1
  cd "$editors/code-server/node_modules/code-server/lib/vscode"
  npm install --omit=dev --ignore-scripts
  npm install --omit=dev --ignore-scripts --prefix extensions
  ln -sf code-linux.sh bin/remote-cli/code-server
  ln -sf browser-linux.sh bin/helpers/browser.sh
  touch "$editors/code-server/.complete"
}

# Install everything at once. A failure is reported at the end, with its log: the tests of that editor are skipped.
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
components=(system_packages newer_editors older_neovim jupyterlab vscode)
declare -A jobs
for component in "${components[@]}"; do
  (
    set -euo pipefail
    trap - EXIT
    "$component"
  ) >"$logs/$component" 2>&1 &
  jobs[$component]=$!
done
status=0
for component in "${components[@]}"; do
  if wait "${jobs[$component]}"; then
    echo "install.sh: $component: installed"
  else
    cat "$logs/$component"
    echo "install.sh: $component failed; see its log above. The tests that need it are skipped." >&2
    [ "$component" != system_packages ] || status=1
  fi
done
exit $status

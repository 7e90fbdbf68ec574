#!/usr/bin/env bash
# What the tests of VS Code need, from npm: a Node, code-server, and the extension as a package. Quick where all is there.
# Besides, a Chromium: install.sh.
set -euo pipefail

editors=${FILLMASK_EDITORS:-$HOME/.cache/fillmask-ls/editors}
extension=$(cd "$(dirname "$0")/../../client-config/vscode" && pwd)
mkdir -p "$editors"

# What is half there after a break counts as not there.
whole() { [ -e "$editors/$1/.whole" ]; }

if ! whole node && ! [ -x "$editors/node/node_modules/.bin/node" ]; then
  npm install --prefix "$editors/node" node@24
fi
export PATH=$editors/node/node_modules/.bin:$PATH

if ! whole code-server; then
  # No script of any package is run: what code-server would compile isn't needed for an editor in a browser.
  npm install --prefix "$editors/code-server" --ignore-scripts code-server@4.139.1
  cd "$editors/code-server/node_modules/code-server/lib/vscode"
  npm install --omit=dev --ignore-scripts
  npm install --omit=dev --ignore-scripts --prefix extensions
  ln -sf code-linux.sh bin/remote-cli/code-server
  ln -sf browser-linux.sh bin/helpers/browser.sh
  touch "$editors/code-server/.whole"
fi

cd "$extension"
sources=(src media scripts package.json package-lock.json README.md ../../LICENSE)
if ! [ -e fillmask.vsix ] || [ -n "$(find "${sources[@]}" -newer fillmask.vsix)" ]; then
  npm ci
  npm run package
fi

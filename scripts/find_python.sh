#!/bin/sh
# Prints the path of a Python 3.12 or 3.13 that can make a virtual environment; fails with one sentence if there is none.
set -u

# Prints the executable behind a command if it is suitable, and fails otherwise (a shim may exist and not run).
probe() {
    "$@" -c '
import sys, sysconfig
import ensurepip, venv
suitable = (
    (3, 12) <= sys.version_info[:2] <= (3, 13)
    and sys.version_info.releaselevel == "final"
    and sys.implementation.name == "cpython"
    and not sysconfig.get_config_var("Py_GIL_DISABLED")
)
print(sys.executable) if suitable else sys.exit(1)
' 2>/dev/null </dev/null
}

if [ -n "${PYTHON:-}" ]; then
    probe "$PYTHON" && exit 0
    echo "PYTHON=$PYTHON is not a Python 3.12 or 3.13 with its venv module: set it to one, or unset it to have one looked for." >&2
    exit 1
fi

for name in python3.13 python3.12 python3; do
    probe "$name" && exit 0
done

pyenv_root=${PYENV_ROOT:-${HOME:-}/.pyenv}
for candidate in "$pyenv_root"/versions/3.13*/bin/python "$pyenv_root"/versions/3.12*/bin/python; do
    [ -x "$candidate" ] && probe "$candidate" && exit 0
done

if command -v uv >/dev/null 2>&1; then
    for version in 3.13 3.12; do
        found=$(uv python find "$version" 2>/dev/null </dev/null) && probe "$found" && exit 0
    done
fi

echo "bayescompare needs Python 3.12 or 3.13 with its venv module and found none: install one, or name it with PYTHON=/path/to/python." >&2
exit 1

#!/usr/bin/env bash
# Gradescope runs this once, as root on Debian or Ubuntu, when the image of the autograder is built.
# The versions are those of constraints.txt. On Linux, pip's torch brings CUDA along (several GB): to take torch from an
# index that holds the build for the CPU, set PIP_EXTRA_INDEX_URL to its address here.
set -euo pipefail
ROOT="${ROOT:-/autograder}"

apt-get update
apt-get install -y --no-install-recommends python3 python3-venv bubblewrap libseccomp2

cd "$ROOT/source"
python3 -m venv "$ROOT/venv"
# -e: the course's files stay here, where no student's code can read them; site-packages it has to read
"$ROOT/venv/bin/pip" install --no-cache-dir -c constraints.txt -e '.[grading]'

chmod 700 "$ROOT/source"

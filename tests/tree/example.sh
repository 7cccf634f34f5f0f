#!/bin/sh
# SPDX-License-Identifier: MIT
#
# example.sh README.md [N] - prints the Nth block (1) fenced as c of the README.
# Fails if there is none.
awk -v want="${2:-1}" '
/^```/ { if (inside && n == want) exit; inside = $0 == "```c"; n += inside; next }
inside && n == want { print; lines++ }
END { exit lines == 0 }' "$1"

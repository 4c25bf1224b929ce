#!/usr/bin/env python3
"""Fails when clang-format would change a C file. --fix changes them: check_format.py [--fix] [ROOT]

Versions of clang-format disagree, so only VERSION (Debian 12's) decides; without it, exit status 77 says 'skipped'.
"""
import re
import shutil
import subprocess
import sys

import sources

VERSION = 14
SKIPPED = 77


def find_clang_format():
    for name in (f"clang-format-{VERSION}", "clang-format"):
        if not shutil.which(name):
            continue
        answer = subprocess.run([name, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        if re.search(rf"version {VERSION}\.", answer):
            return name
    return None


def main():
    fix = "--fix" in sys.argv
    if fix:
        sys.argv.remove("--fix")
    root = sources.root_from_arguments()
    program = find_clang_format()
    if not program:
        print(f"clang-format {VERSION} is not installed; formatting was not looked at")
        sys.exit(SKIPPED)
    paths = [str(path) for path in sources.all_c_files(root)]
    if not paths:
        sys.exit("no file to look at")
    style = [f"--style=file:{root}/.clang-format"]
    if fix:
        sys.exit(subprocess.run([program, "-i"] + style + paths).returncode)
    done = subprocess.run([program, "--dry-run", "-Werror"] + style + paths, stderr=subprocess.PIPE, text=True)
    for line in done.stderr.splitlines():
        if ": error: " in line:
            print(line.replace(f"{root}/", "").replace(" [-Wclang-format-violations]", "; run ./dev fmt"))
    sys.exit(1 if done.returncode else 0)


if __name__ == "__main__":
    main()

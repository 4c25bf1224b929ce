#!/usr/bin/env python3
"""Fails when an object exports a name that does not start with its path: check_symbols.py BUILD_FOLDER

src/h1/decoder.c exports h1_decoder and h1_decoder_* only; base and model add no area: src/base/fsm.c exports fsm_*. A
file named like its area speaks for the whole area: src/proxy/proxy.c exports proxy_*. A file may end in the platform
that it is for: src/os/file_linux.c exports os_file_*. Looks at the objects of the libraries sekisho_<area> in a build
folder without sanitizers (those add names of their own).
"""
import pathlib
import re
import subprocess
import sys

NO_AREA_PREFIX = ("base", "model")
PLATFORM = re.compile(r"_(linux|bsd|macos|posix|uv)$")


def prefix_of(module):
    """What names of src/<module>.c start with: 'h1/decoder' gives 'h1_decoder'."""
    area, _, rest = module.partition("/")
    name = PLATFORM.sub("", rest).replace("/", "_")
    return name if area in NO_AREA_PREFIX or name == area else f"{area}_{name}"


def exported_names(objects):
    """Pairs of object and name."""
    command = ["nm", "-A", "-P", "-g", "--defined-only"] + [str(path) for path in objects]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in output.splitlines():
        path, _, rest = line.partition(": ")
        yield path, rest.split()[0]


def main():
    build = pathlib.Path(sys.argv[1])
    objects = sorted(build.glob("CMakeFiles/sekisho_*.dir/**/*.c.o"))
    if not objects:
        sys.exit(f"{build}: no objects of areas; build first")
    bad = 0
    for path, name in exported_names(objects):
        module = re.search(r"sekisho_\w+\.dir/(?:src|generated)/(.*)\.c\.o$", path)[1]
        prefix = prefix_of(module)
        if name != prefix and not name.startswith(prefix + "_"):
            print(f"src/{module}.c:1: exports {name}, which should start with {prefix}")
            bad += 1
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()

#!/usr/bin/env python3
"""Fails when a header of src/ does not compile on its own, or when its include guard is not its path.

src/base/err.h is guarded by BASE_ERR_H. Outside libraries are found with pkg-config, as the build does.
"""
import concurrent.futures
import os
import re
import subprocess

import sources

LIBRARIES = "libuv libssl sqlite3 libpcre2-8 zlib libbrotlidec libbrotlienc libzstd jansson libpsl libnghttp2".split()
WARNINGS = "-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Werror".split()


def library_flags():
    command = ["pkg-config", "--cflags"] + LIBRARIES
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()


def compile_alone(root, path, flags):
    """What the compiler says about a file that includes only this header; empty when it is content."""
    include = f'#include "{path.relative_to(root / "src").as_posix()}"\n'
    command = [os.environ.get("CC", "cc"), "-std=c17", "-D_GNU_SOURCE", "-fsyntax-only", "-xc", "-", "-I",
               str(root / "src")]
    done = subprocess.run(command + WARNINGS + flags, input=include, stderr=subprocess.PIPE, text=True)
    return done.stderr.strip() if done.returncode else ""


def guard_of(root, path):
    return re.sub(r"[^A-Z0-9]", "_", path.relative_to(root / "src").as_posix().upper())


def main():
    root = sources.root_from_arguments()
    findings = sources.Findings(root)
    headers = sources.files(root, ("src",), (".h",))
    flags = library_flags()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = list(pool.map(lambda path: compile_alone(root, path, flags), headers))
    for path, answer in zip(headers, answers):
        findings.looked_at += 1
        if answer:
            findings.add(path, 1, "does not compile on its own:\n" + answer)
        guard = guard_of(root, path)
        if not re.search(rf"^#ifndef {guard}\n#define {guard}\n", path.read_text(errors="replace"), re.MULTILINE):
            findings.add(path, 1, f"is not guarded by {guard}")
    findings.finish()


if __name__ == "__main__":
    main()

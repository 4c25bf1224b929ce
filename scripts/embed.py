#!/usr/bin/env python3
"""Writes a C file that holds every file of a folder: scripts/embed.py FOLDER OUTPUT.c

The C file defines admin_page_files[] and admin_page_file_count as src/admin/page.h declares them. A file's path in the
table is its path below FOLDER with "/" in front, and files are sorted by it. Names that start with a dot are left out.
A file name extension that has no row in MIME is an error, so that nothing is ever served with a guessed type.
"""
import hashlib
import pathlib
import sys

MIME = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
BYTES_PER_ROW = 24


def quoted(text):
    """A C string literal; paths are printable ASCII, which files_in() has checked."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def files_in(folder):
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or any(part.startswith(".") for part in name.split("/")):
            continue
        if path.suffix not in MIME:
            sys.exit(f"embed.py: {path}: no MIME type for '{path.suffix}'; add it to the table in scripts/embed.py")
        if not (name.isascii() and name.isprintable()):
            sys.exit(f"embed.py: {path}: the name must be printable ASCII")
        found.append((name, path))
    if not found:
        sys.exit(f"embed.py: {folder}: no files to embed")
    return found


def array_of(index, content):
    """One byte array; C allows no empty array, so an empty file gets one byte that its length leaves out."""
    rows = [f"static const unsigned char file_{index}[] = {{"]
    for start in range(0, max(len(content), 1), BYTES_PER_ROW):
        rows.append("    " + "".join(f"{byte}," for byte in content[start:start + BYTES_PER_ROW] or b"\0"))
    rows.append("};")
    return rows


def main():
    folder, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    lines = ["/* Made by scripts/embed.py; changes here are lost. */", '#include "admin/page.h"', ""]
    table = ["const struct admin_page_file admin_page_files[] = {"]
    files = files_in(folder)
    for index, (name, path) in enumerate(files):
        content = path.read_bytes()
        etag = '"' + hashlib.sha256(content).hexdigest()[:32] + '"'
        lines += array_of(index, content) + [""]
        table.append("    {.path = %s, .mime = %s, .bytes = file_%d, .len = %d, .etag = %s}," % (
            quoted("/" + name), quoted(MIME[path.suffix]), index, len(content), quoted(etag)))
    table += ["};", f"const size_t admin_page_file_count = {len(files)};", ""]
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("\n".join(lines + table))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()

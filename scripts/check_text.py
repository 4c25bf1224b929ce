#!/usr/bin/env python3
"""Fails on text that editors and diffs stumble over: tabs, trailing blanks, CR, no newline at the end, not UTF-8."""
import sources

FOLDERS = ("src", "tests", "bench", "lab", "scripts", "cmake", "docs", "ui")
SUFFIXES = (".c", ".h", ".py", ".sh", ".mjs", ".js", ".ts", ".tsx", ".css", ".html", ".json", ".cmake", ".md", ".txt")
MINIFIED = ".min."


def check_bytes(findings, path, content):
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        findings.add(path, content.count(b"\n", 0, error.start) + 1, "not UTF-8")
    if content and not content.endswith(b"\n"):
        findings.add(path, content.count(b"\n") + 1, "no newline at the end of the file")
    for number, line in enumerate(content.split(b"\n"), 1):
        if b"\t" in line:
            findings.add(path, number, "tab")
        if b"\r" in line:
            findings.add(path, number, "carriage return")
        elif line != line.rstrip():
            findings.add(path, number, "blank at the end of the line")


def main():
    root = sources.root_from_arguments()
    findings = sources.Findings(root)
    top = [path for path in root.iterdir() if path.is_file() and path.suffix in SUFFIXES]
    top += [path for path in (root / "dev", root / "LAYERS", root / ".ci" / "run") if path.is_file()]
    for path in sorted(top) + sources.files(root, FOLDERS, SUFFIXES):
        if MINIFIED not in path.name:
            findings.looked_at += 1
            check_bytes(findings, path, path.read_bytes())
    findings.finish()


if __name__ == "__main__":
    main()

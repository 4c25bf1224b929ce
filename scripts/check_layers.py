#!/usr/bin/env python3
"""Fails when a file in src/ includes an area that LAYERS does not allow it, or lies in an area that LAYERS lacks."""
import re

import sources


def read_layers(root):
    allowed = {}
    for line in (root / "LAYERS").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            area, _, below = line.partition(":")
            allowed[area.strip()] = set(below.split())
    return allowed


def main():
    root = sources.root_from_arguments()
    findings = sources.Findings(root)
    allowed = read_layers(root)
    for path in sources.files(root, ("src",), (".c", ".h")):
        findings.looked_at += 1
        area = path.relative_to(root / "src").parts[0]
        if area not in allowed:
            findings.add(path, 1, f"LAYERS has no area '{area}'")
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            include = re.match(r'\s*#\s*include\s*"([^"]*)"', line)
            if not include:
                continue
            included, slash, _ = include[1].partition("/")
            if not slash or included not in allowed:
                findings.add(path, number, f'"{include[1]}" is not written from src/, as "area/module.h"')
            elif included != area and not allowed[area] & {included, "*"}:
                findings.add(path, number, f"{area} may not include {included}")
    findings.finish()


if __name__ == "__main__":
    main()

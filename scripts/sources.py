"""What the checks share: which files there are, C source without comments and strings, and how a finding is told.

Every check is a program: CHECK.py [ROOT]. It prints one line per finding, as path:line: text, and its exit status is 1
when there was one, or when it found no file to look at.
"""
import pathlib
import re
import sys

SKIPPED_FOLDERS = {"build", "node_modules", ".git", "__pycache__", "corpus", "regress"}

C_TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


class Findings:
    """Collects findings and ends the program with the status that they deserve."""

    def __init__(self, root):
        self.root = root
        self.looked_at = 0
        self.count = 0

    def add(self, path, line, text):
        print(f"{path.relative_to(self.root)}:{line}: {text}")
        self.count += 1

    def finish(self):
        if self.looked_at == 0:
            print("no file to look at")
        sys.exit(1 if self.count or self.looked_at == 0 else 0)


def root_from_arguments():
    own = pathlib.Path(__file__).resolve().parent.parent
    return pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else own


def files(root, folders, suffixes):
    """Files of the given suffixes below the given folders of root, sorted; generated and foreign ones left out."""
    found = []
    for folder in folders:
        for path in (root / folder).rglob("*"):
            inside = path.relative_to(root).parts[:-1]
            if path.suffix in suffixes and path.is_file() and not SKIPPED_FOLDERS.intersection(inside):
                found.append(path)
    return sorted(found)


def c_files(root):
    """The program and its tests, which keep all rules."""
    return files(root, ("src", "tests"), (".c", ".h"))


def all_c_files(root):
    """Load generators and broken sites as well, which are formatted like the rest but may be as odd as they need."""
    return sorted(c_files(root) + files(root, ("bench", "lab"), (".c", ".h")))


def _blank(match):
    """Spaces in place of a comment or of what a literal holds, so that lines and columns stay where they are."""
    text = match.group()
    if text[0] in "\"'":
        return text[0] + " " * (len(text) - 2) + text[-1]
    return re.sub(r"[^\n]", " ", text)


def without_comments_and_strings(source):
    return C_TOKENS.sub(_blank, source)


def limit_reason(lines, first, last):
    """True when lines first..last (from 1) or the comment directly above hold a LIMIT with a reason of two words."""
    start = first - 1
    while start > 0 and lines[start - 1].lstrip().startswith(("/*", "*")):
        start -= 1
    return any(re.search(r"/?\*.*\bLIMIT: *\w+\S* +\w+", line) for line in lines[start:last])

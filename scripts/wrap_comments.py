#!/usr/bin/env python3
"""Wraps lines of block comments that are too long: wrap_comments.py [ROOT]. Part of ./dev fmt.

Only what does not fit moves: to the front of the next line when that continues the paragraph, otherwise to a line of
its own. clang-format could reflow comments too, but it joins the lines of lists and tables.
"""
import re

import sources

COLUMNS_MAX = 120
# A line that is nothing but comment: indentation, "/*" or " *", blanks, text.
LINE = re.compile(r"^(?P<margin>\s*)(?P<mark>/\*|\*)(?P<blanks> +)(?P<text>\S.*)$")

LIST_ITEM = re.compile(r"[-*]|\d+[.)] ")


def split(text, room):
    """What fits into room columns, cut between words, and the rest; a single word too long stays whole."""
    cut = text.rfind(" ", 0, room + 1)
    return (text[:cut].rstrip(), text[cut:].strip()) if cut > 0 else (text, "")


def continues(line, margin, blanks):
    """True when a line goes on with the paragraph whose lines have this margin and these blanks before their text."""
    match = LINE.match(line)
    return bool(match and match["mark"] == "*" and len(blanks) == 1 and match["margin"] == margin
                and match["blanks"] == blanks and match["text"] != "/" and not LIST_ITEM.match(match["text"]))


def wrap(lines):
    lines = list(lines)
    number = 0
    while number < len(lines):
        match = LINE.match(lines[number])
        if len(lines[number]) <= COLUMNS_MAX or not match or "LIMIT:" in lines[number]:
            number += 1
            continue
        front = match["margin"] + match["mark"] + match["blanks"]
        kept, rest = split(match["text"], COLUMNS_MAX - len(front))
        if not rest or rest == "*/":
            number += 1
            continue
        lines[number] = front + kept
        margin = match["margin"] + (" " if match["mark"] == "/*" else "")
        following = lines[number + 1] if number + 1 < len(lines) else ""
        closed = "*/" in match["text"]
        if not closed and continues(following, margin, match["blanks"]):
            lines[number + 1] = f"{margin}*{match['blanks']}{rest} {LINE.match(following)['text']}"
        else:
            lines.insert(number + 1, f"{margin}*{match['blanks']}{rest}")
        number += 1
    return lines


def main():
    root = sources.root_from_arguments()
    for path in sources.all_c_files(root):
        text = path.read_text()
        wrapped = "\n".join(wrap(text.split("\n")))
        if wrapped != text:
            path.write_text(wrapped)


if __name__ == "__main__":
    main()

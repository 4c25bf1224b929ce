#!/usr/bin/env python3
"""Writes src/query/fold_table.h: Unicode's simple case folding as ranges. Run it again for a newer Unicode.

Simple folding (CaseFolding.txt, statuses C and S) is taken from Python's Unicode data: the full folding where it is one
code point, else the lower-case mapping where that is one.
"""
import pathlib
import unicodedata

TARGET = pathlib.Path(__file__).resolve().parent.parent / "src" / "query" / "fold_table.h"

HEAD = """/* fold_table.h - simple case folding of Unicode {version}; made by scripts/make_fold_table.py.
 *
 * A range maps each of its code points first, first + step, ... last to itself + delta.  Sorted; ranges do not overlap.
 */
#ifndef QUERY_FOLD_TABLE_H
#define QUERY_FOLD_TABLE_H

#include <stdint.h>

struct fold_range {{
    uint32_t first, last;
    int32_t delta;
    uint32_t step;
}};

static const struct fold_range fold_ranges[] = {{
"""


def simple_fold(code):
    char = chr(code)
    for folded in (char.casefold(), char.lower()):
        if len(folded) == 1:
            return ord(folded)
    return code


def mappings():
    for code in range(0x80, 0x110000):
        if not 0xD800 <= code < 0xE000 and simple_fold(code) != code:
            yield code, simple_fold(code) - code


def joined(pairs):
    """Ranges [first, last, delta, step] of neighbours with one delta, one or two code points apart."""
    ranges = []
    for code, delta in pairs:
        if ranges:
            first, last, range_delta, step = ranges[-1]
            gap = code - last
            if delta == range_delta and gap in (1, 2) and (step == gap or first == last):
                ranges[-1] = [first, code, delta, gap]
                continue
        ranges.append([code, code, delta, 1])
    return ranges


def main():
    lines = [f"    {{0x{first:04X}, 0x{last:04X}, {delta}, {step}}}," for first, last, delta, step in joined(mappings())]
    head = HEAD.format(version=unicodedata.unidata_version)
    TARGET.write_text(head + "\n".join(lines) + "\n};\n\n#endif\n")


if __name__ == "__main__":
    main()

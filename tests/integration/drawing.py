#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a drawing says, read by an XML parser: drawing.py texts|titles FILE.

texts: every text of an SVG, a line each, the pieces of one text apart by a blank; titles: what its lines and
boxes are, in the words that are shown under the pointer.
"""
import sys
import xml.etree.ElementTree as tree

SVG = "{http://www.w3.org/2000/svg}"


def main():
    what, path = sys.argv[1:]
    root = tree.parse(path).getroot()
    if root.tag != SVG + "svg":
        sys.exit(f"{path}: expected an svg, got {root.tag}")
    for element in root.iter(SVG + ("text" if what == "texts" else "title")):
        print(" ".join(element.itertext()))


main()

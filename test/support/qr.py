"""Reads QR codes that were printed as block characters, two modules each: lines on standard input, the text on standard output.

The reader is ZBar, as in many phones' applications; light modules are drawn, dark ones are gaps.
"""
import sys

import zbar

SCALE = 4
LIGHT = {"\u2588": (1, 1), "\u2580": (1, 0), "\u2584": (0, 1), " ": (0, 0)}

lines = sys.stdin.read().split("\n")
lines = [line for line in lines if line != "" and all(char in LIGHT for char in line)]
width = len(lines[0])
rows = []
for line in lines:
    for half in (0, 1):
        row = b"".join((b"\xff" if LIGHT[char][half] else b"\x00") * SCALE for char in line)
        rows.extend([row] * SCALE)
image = zbar.Image(width * SCALE, len(rows), "Y800", b"".join(rows))
scanner = zbar.ImageScanner()
scanner.scan(image)
for symbol in image:
    print(symbol.data)

#!/usr/bin/env python3
"""Writes a file as a C++ header with one array of its bytes, so that the gateway needs no file beside itself."""
import pathlib
import sys

source, header, name = sys.argv[1:]
data = pathlib.Path(source).read_bytes()
lines = [", ".join(str(byte) for byte in data[at : at + 24]) for at in range(0, len(data), 24)]
pathlib.Path(header).write_text(
    f"// Generated from {pathlib.Path(source).name}.\n#pragma once\n\ninline constexpr unsigned char {name}[] = {{\n"
    + ",\n".join(lines) + "\n};\n")

"""Reads an image of memory with Volatility 3 and with LeechCore, and prints what they find.

Arguments: the form, `raw` or `lime`; the image; the address of a page. With `lime`, what is printed
has the segments that each reader finds; always, it has the page as each of them reads it.
"""

import json
import sys
from pathlib import Path

import leechcorepyc
from volatility3.framework import contexts
from volatility3.framework.layers import lime, physical

PAGE = 4096

form, image, address = sys.argv[1], Path(sys.argv[2]).resolve(), int(sys.argv[3], 0)

context = contexts.Context()
context.config["file.location"] = image.as_uri()
layer = physical.FileLayer(context, "file", "file")
context.add_layer(layer)
segments = {}
if form == "lime":
    context.config["lime.base_layer"] = "file"
    layer = lime.LimeLayer(context, "lime", "lime")
    found = layer.mapping(0, layer.maximum_address + 1, ignore_errors=True)
    segments["volatility"] = [[start, length] for start, length, *_ in found]
pages = {"volatility": list(layer.read(address, PAGE))}

device = leechcorepyc.LeechCore(f"file://file={image}")
if form == "lime":
    segments["leechcore"] = [[part["base"], part["size"]] for part in device.memmap]
pages["leechcore"] = list(device.read(address, PAGE))

json.dump({"segments": segments, "pages": pages}, sys.stdout)

#!/usr/bin/env bash
# Pillow 13.0.0 resizes tall grey pictures to other pixels than Pillow 12.0.0 does.
#
# Image.resize with a filter works in two passes, and each rounds to bytes. Up to 12.0.0 the pass over rows came first for
# every shape; in 13.0.0 the pictures below that are much taller than wide come out by up to one level different, while
# wide and square ones are equal to the byte. Preprocessing with torchvision's Resize on PIL pictures inherits that: a data
# set prepared with one version is not the data set prepared with the other, and a digest of pixels tells them apart.
#
# Output seen (CPython 3.11, x86-64):
#   64x64 -> 32x32: 0 of 1024 pixels differ
#   200x50 -> 32x8: 0 of 256 pixels differ
#   50x200 -> 8x32: 28 of 256 pixels differ, by at most 1
#   33x77 -> 14x33: 94 of 462 pixels differ, by at most 1
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
for version in 12.0.0 13.0.0; do
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
        --target "$place/$version" "pillow==$version"
done
cat >"$place/resize.py" <<'PYTHON'
import json, random
from PIL import Image

shapes = [((64, 64), (32, 32)), ((200, 50), (32, 8)), ((50, 200), (8, 32)), ((33, 77), (14, 33))]
results = []
for (width, height), size in shapes:
    numbers = random.Random(1)
    pixels = bytes(numbers.randrange(256) for _ in range(width * height))
    picture = Image.frombytes("L", (width, height), pixels).resize(size, Image.Resampling.BILINEAR)
    results.append([f"{width}x{height} -> {size[0]}x{size[1]}", list(picture.tobytes())])
print(json.dumps(results))
PYTHON
for version in 12.0.0 13.0.0; do
    PYTHONPATH="$place/$version" python3 "$place/resize.py" >"$place/$version.json"
done
python3 - "$place/12.0.0.json" "$place/13.0.0.json" <<'PYTHON'
import json, sys

before, after = (json.load(open(path)) for path in sys.argv[1:])
found = []
for (name, a), (_, b) in zip(before, after):
    steps = [abs(x - y) for x, y in zip(a, b)]
    differ = sum(step > 0 for step in steps)
    most = f", by at most {max(steps)}" if differ else ""
    print(f"{name}: {differ} of {len(steps)} pixels differ{most}")
    found.append((differ > 0, max(steps)))
assert found == [(False, 0), (False, 0), (True, 1), (True, 1)], found
PYTHON

#!/usr/bin/env bash
# In diffusers 0.42.1 a key that a scheduler class does not declare can still change what it computes.
#
# EulerDiscreteScheduler declares sigma_min and sigma_max; HeunDiscreteScheduler and DPMSolverMultistepScheduler do not. A
# configuration that has them, as one saved by Euler or written by hand, is accepted by all three with a warning at most, and
# since a config keeps unknown keys as attributes, the Karras noise levels of all three are computed between these ends. A
# reader of scheduler_config.json that drops what a class does not declare gets other pictures.
#
# Output seen (CPython 3.11, x86-64):
#   EulerDiscreteScheduler: sigma_min declared; levels 157.4073 to 0.0100; with the keys 20.0000 to 0.1000
#   HeunDiscreteScheduler: sigma_min not declared; levels 25.1461 to 0.0292; with the keys 20.0000 to 0.1000
#   DPMSolverMultistepScheduler: sigma_min not declared; levels 157.4073 to 0.0100; with the keys 20.0000 to 0.1000
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check \
    "torch==2.15.0" "diffusers==0.42.1" "numpy==2.4.6"
"$place/venv/bin/python" - 2>/dev/null <<'PYTHON'
import inspect
from diffusers import DPMSolverMultistepScheduler, EulerDiscreteScheduler, HeunDiscreteScheduler

def ends(scheduler, **keys):
    made = scheduler.from_config({"use_karras_sigmas": True, **keys})
    made.set_timesteps(5)
    levels = [float(level) for level in made.sigmas]
    return f"{max(levels):.4f} to {min(level for level in levels if level > 0):.4f}"

differs = []
for scheduler in (EulerDiscreteScheduler, HeunDiscreteScheduler, DPMSolverMultistepScheduler):
    declared = "sigma_min" in inspect.signature(scheduler.__init__).parameters
    plain, given = ends(scheduler), ends(scheduler, sigma_min=0.1, sigma_max=20.0)
    print(f"{scheduler.__name__}: sigma_min {'' if declared else 'not '}declared; levels {plain}; with the keys {given}")
    differs.append((declared, plain != given))
assert differs == [(True, True), (False, True), (False, True)], differs
PYTHON

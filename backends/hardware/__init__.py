"""What this machine is and has: processor, memory, disk, graphics cards.

`probe.probe(folder, cancel=…)` asks everything at once and yields one `Machine`; `memory.available()` and
`memory.measure_bandwidth()` are asked when needed. Each vendor has one reader, a generator of findings:

    nvidia   NVML, the driver's own library (the only importer of pynvml)
    amd      Linux: what the kernel driver amdgpu tells in sysfs
    intel    Linux: what the kernel drivers xe and i915 tell in sysfs
    dxgi     Windows: AMD and Intel cards, from the graphics system itself
    apple    macOS: sysctl

What it promises: a driver that is missing, broken, or never answers is a sentence in `Machine.notes`, never an
exception and never a hang. Numbers are what this process may use: the limits of a container are respected, and a
card that is there but may not be used is a note, not a `Gpu`. Nothing is remembered: every probe looks again.
"""

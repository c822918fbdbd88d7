"""What this machine is and has: processor, memory, disk, graphics cards.

`probe.probe(folder, cancel=…)` asks everything at once and yields one `Machine`; `memory.available()` and
`memory.measure_bandwidth()` are asked when needed. Each vendor has one reader, a generator of findings:

    nvidia   NVML, the driver's own library
    amd      Linux: what the kernel driver amdgpu tells in sysfs
    intel    Linux: what the kernel drivers xe and i915 tell in sysfs
    dxgi     Windows: AMD and Intel cards, from the graphics system itself
    apple    macOS: sysctl

`sampler.Sampler(folder).sample(cancel)` says what they do now, as one `HardwareSample`, every second if need be:

    system       cores, memory, swap, disk, battery; with heat (temperature, clocks) and processes (our own share)
    gpus         the cards, asked in a child process (gpu_child) because a driver's call may hang for ever
    nvml, amdgpu, intel_gpu, apple_gpu    one reader a vendor, in that child; card_files and clients read sysfs

What it promises: a driver that is missing, broken, or never answers is a sentence in `Machine.notes`, never an
exception and never a hang. Numbers are what this process may use: the limits of a container are respected, and a
card that is there but may not be used is a note, not a `Gpu`. Nothing is remembered: every probe looks again.
"""

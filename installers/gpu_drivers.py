"""Asks the GPU drivers of this machine what they can do, and prints it as one JSON object.

    python gpu_drivers.py cuda      {"version": [12, 4], "compute": [[8, 9]]}: what NVML says
    python gpu_drivers.py vulkan    {"vendors": [4098]}: PCI vendors of the GPUs that the Vulkan loader lists

A program of its own, because a broken driver may crash or hang, and only this child goes with it. A driver that is
not there gives an empty object. Structures: NVML's API reference; vulkan_core.h (Vulkan 1.0).
"""

import ctypes
import json
import sys
from collections.abc import Callable

_NVML = {"linux": "libnvidia-ml.so.1", "win32": "nvml.dll"}
_VULKAN = {"linux": "libvulkan.so.1", "win32": "vulkan-1.dll"}
_INSTANCE_CREATE_INFO = 1
_CPU_DEVICE = 4  # VK_PHYSICAL_DEVICE_TYPE_CPU: llvmpipe and its like


class _InstanceCreateInfo(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("application", ctypes.c_void_p),
        ("layer_count", ctypes.c_uint32),
        ("layers", ctypes.c_void_p),
        ("extension_count", ctypes.c_uint32),
        ("extensions", ctypes.c_void_p),
    )


class _DeviceProperties(ctypes.Structure):
    """The head of VkPhysicalDeviceProperties; the rest is 800 bytes of limits."""

    _fields_ = (
        ("api", ctypes.c_uint32),
        ("driver", ctypes.c_uint32),
        ("vendor", ctypes.c_uint32),
        ("device", ctypes.c_uint32),
        ("type", ctypes.c_int),
        ("rest", ctypes.c_uint8 * 2048),
    )


def cuda() -> dict[str, object]:
    """The newest CUDA that the driver runs, and each GPU's compute capability."""
    nvml = _library(_NVML)
    if nvml is None or nvml.nvmlInit_v2():
        return {}
    number = ctypes.c_int()
    count = ctypes.c_uint()
    if nvml.nvmlSystemGetCudaDriverVersion_v2(ctypes.byref(number)) or nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)):
        return {}
    capabilities: list[list[int]] = []
    for index in range(count.value):
        device, major, minor = ctypes.c_void_p(), ctypes.c_int(), ctypes.c_int()
        found = nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(device)) == 0
        if found and not nvml.nvmlDeviceGetCudaComputeCapability(device, ctypes.byref(major), ctypes.byref(minor)):
            capabilities.append([major.value, minor.value])
    nvml.nvmlShutdown()
    return {"version": [number.value // 1000, number.value % 1000 // 10], "compute": capabilities}


def vulkan() -> dict[str, object]:
    """The vendors of the real GPUs; a software renderer is none."""
    loader = _library(_VULKAN)
    if loader is None:
        return {}
    instance, count = ctypes.c_void_p(), ctypes.c_uint32()
    info = _InstanceCreateInfo(type=_INSTANCE_CREATE_INFO)
    if loader.vkCreateInstance(ctypes.byref(info), None, ctypes.byref(instance)):
        return {}
    loader.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
    devices = (ctypes.c_void_p * count.value)()
    loader.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), devices)
    vendors: list[int] = []
    for device in devices:
        properties = _DeviceProperties()
        loader.vkGetPhysicalDeviceProperties(ctypes.c_void_p(device), ctypes.byref(properties))
        if properties.type != _CPU_DEVICE:
            vendors.append(properties.vendor)
    loader.vkDestroyInstance(instance, None)
    return {"vendors": vendors}


def _library(names: dict[str, str]) -> ctypes.CDLL | None:
    name = names.get(sys.platform)
    try:
        return ctypes.CDLL(name) if name else None
    except OSError:
        return None


QUESTIONS: dict[str, Callable[[], dict[str, object]]] = {"cuda": cuda, "vulkan": vulkan}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(QUESTIONS[sys.argv[1]]()))

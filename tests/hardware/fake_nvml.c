/* Plays NVIDIA's libnvidia-ml.so.1 as far as DeskSeek asks it. The machine to play stands in the environment:
 *
 *   NVML_COUNT=2   NVML_INIT=error 9   NVML_DRIVER=570.86.15   NVML_CUDA=12080
 *   NVML_0_NAME=NVIDIA GeForce RTX 4090   NVML_0_MEMORY=<total> <free>   NVML_0_CAPABILITY=8 9   NVML_0_BUS=384
 *   NVML_0_CLOCK=10501   NVML_0_PCI=00000000:01:00.0   NVML_0_MIG=1   NVML_0_PARTS=7   NVML_0_PART_1_NAME=…
 *
 * `error N` answers with that code, `hang` never answers, and what is not set is not supported (3), as with real cards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOT_SUPPORTED 3

typedef struct { char key[64]; } device;
typedef struct { unsigned long long total, free, used; } memory;
typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; } pci_info;

static int ask(const char *prefix, const char *field, const char **value)
{
    char key[128];
    snprintf(key, sizeof key, "NVML%s_%s", prefix, field);
    *value = getenv(key);
    if (*value == NULL)
        return NOT_SUPPORTED;
    if (strcmp(*value, "hang") == 0)
        for (;;)
            pause();
    return strncmp(*value, "error ", 6) == 0 ? atoi(*value + 6) : 0;
}

static int ask_text(const char *prefix, const char *field, char *text, unsigned length)
{
    const char *value;
    int code = ask(prefix, field, &value);
    if (code == 0)
        snprintf(text, length, "%s", value);
    return code;
}

static int ask_numbers(const char *prefix, const char *field, int wanted, unsigned long long *numbers)
{
    const char *value;
    int code = ask(prefix, field, &value);
    if (code == 0 && sscanf(value, "%llu %llu", &numbers[0], &numbers[1]) < wanted)
        return 999;
    return code;
}

static int ask_number(const char *prefix, const char *field, unsigned *number)
{
    unsigned long long numbers[2];
    int code = ask_numbers(prefix, field, 1, numbers);
    if (code == 0)
        *number = (unsigned)numbers[0];
    return code;
}

int nvmlInitWithFlags(unsigned flags)
{
    const char *value;
    int code = ask("", "INIT", &value);
    return code == NOT_SUPPORTED && value == NULL ? 0 : code;
}

int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { return "an error of the played library"; }
int nvmlSystemGetDriverVersion(char *text, unsigned length) { return ask_text("", "DRIVER", text, length); }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { return ask_number("", "CUDA", (unsigned *)version); }
int nvmlDeviceGetCount_v2(unsigned *count) { return ask_number("", "COUNT", count); }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, device **handle)
{
    const char *value;
    *handle = malloc(sizeof **handle);
    snprintf((*handle)->key, sizeof (*handle)->key, "_%u", index);
    int code = ask((*handle)->key, "HANDLE", &value);
    return value == NULL ? 0 : code;
}

int nvmlDeviceGetName(device *handle, char *text, unsigned length) { return ask_text(handle->key, "NAME", text, length); }
int nvmlDeviceGetMemoryBusWidth(device *handle, unsigned *bits) { return ask_number(handle->key, "BUS", bits); }

int nvmlDeviceGetMaxClockInfo(device *handle, int kind, unsigned *mhz)
{
    return kind == 2 ? ask_number(handle->key, "CLOCK", mhz) : NOT_SUPPORTED;
}

int nvmlDeviceGetMemoryInfo(device *handle, memory *answer)
{
    unsigned long long numbers[2];
    int code = ask_numbers(handle->key, "MEMORY", 2, numbers);
    if (code == 0)
        *answer = (memory){numbers[0], numbers[1], numbers[0] - numbers[1]};
    return code;
}

int nvmlDeviceGetCudaComputeCapability(device *handle, int *major, int *minor)
{
    unsigned long long numbers[2];
    int code = ask_numbers(handle->key, "CAPABILITY", 2, numbers);
    if (code == 0)
        *major = (int)numbers[0], *minor = (int)numbers[1];
    return code;
}

int nvmlDeviceGetPciInfo_v3(device *handle, pci_info *answer)
{
    memset(answer, 0, sizeof *answer);
    return ask_text(handle->key, "PCI", answer->bus_id, sizeof answer->bus_id);
}

int nvmlDeviceGetMigMode(device *handle, unsigned *current, unsigned *pending)
{
    int code = ask_number(handle->key, "MIG", current);
    *pending = *current;
    return code;
}

int nvmlDeviceGetMaxMigDeviceCount(device *handle, unsigned *count) { return ask_number(handle->key, "PARTS", count); }

int nvmlDeviceGetMigDeviceHandleByIndex(device *handle, unsigned index, device **part)
{
    char field[32];
    const char *value;
    snprintf(field, sizeof field, "PART_%u_NAME", index);
    if (ask(handle->key, field, &value) != 0)
        return 6; /* not found: the slot is empty */
    *part = malloc(sizeof **part);
    snprintf((*part)->key, sizeof (*part)->key, "%.32s_PART_%u", handle->key, index);
    return 0;
}

/* Plays NVIDIA's libnvidia-ml.so.1 as far as DeskSeek asks it. The machine to play stands in the environment:
 *
 *   NVML_COUNT=2   NVML_INIT=error 9   NVML_DRIVER=570.86.15   NVML_CUDA=12080
 *   NVML_0_NAME=NVIDIA GeForce RTX 4090   NVML_0_MEMORY=<total> <free>   NVML_0_CAPABILITY=8 9   NVML_0_BUS=384
 *   NVML_0_CLOCK=10501   NVML_0_PCI=00000000:01:00.0   NVML_0_MIG=1   NVML_0_PARTS=7   NVML_0_PART_1_NAME=…
 *
 * While it runs: NVML_0_USE=<card %> <memory %>   NVML_0_POWER=<mW>   NVML_0_POWER_LIMIT   NVML_0_FAN   NVML_0_TEMPERATURE
 *   NVML_0_LIMIT_3=<degrees>   NVML_0_CLOCK_0=<MHz>   NVML_0_CLOCK_MAX   NVML_0_THROTTLES=<bits>   NVML_0_PCIE=<generation>
 *   <lanes>   NVML_0_PCIE_MAX   NVML_0_BYTES=<received> <sent> (counters)   NVML_0_THROUGHPUT=<received> <sent> (kB/s)
 *   NVML_0_HOLD=<pid> <bytes> <pid> <bytes> …   NVML_0_DRAW likewise   NVML_PROGRAM_<pid>=<path>
 *
 * NVML_FILE=<path> names a file of such lines (without NVML_) that is read at each question and goes before all else.
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

static const char *from_file(const char *key)
{
    static char line[512];
    const char *path = getenv("NVML_FILE"), *found = NULL;
    FILE *file = path ? fopen(path, "r") : NULL;
    while (file && !found && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        size_t length = strlen(key);
        if (strncmp(line, key, length) == 0 && line[length] == '=')
            found = line + length + 1;
    }
    if (file)
        fclose(file);
    return found;
}

static int ask(const char *prefix, const char *field, const char **value)
{
    char key[128];
    snprintf(key, sizeof key, "NVML%s_%s", prefix, field);
    *value = from_file(key + 5);
    if (*value == NULL)
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
    return ask_number(handle->key, kind == 2 ? "CLOCK" : "CLOCK_MAX", mhz);
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

int nvmlDeviceGetPowerUsage(device *handle, unsigned *mw) { return ask_number(handle->key, "POWER", mw); }
int nvmlDeviceGetEnforcedPowerLimit(device *handle, unsigned *mw) { return ask_number(handle->key, "POWER_LIMIT", mw); }
int nvmlDeviceGetFanSpeed(device *handle, unsigned *percent) { return ask_number(handle->key, "FAN", percent); }

static int ask_kind(device *handle, const char *field, int kind, unsigned *number)
{
    char name[64];
    snprintf(name, sizeof name, "%s_%d", field, kind);
    return ask_number(handle->key, name, number);
}

int nvmlDeviceGetTemperature(device *handle, int sensor, unsigned *degrees)
{
    return ask_number(handle->key, "TEMPERATURE", degrees);
}

int nvmlDeviceGetTemperatureThreshold(device *handle, int kind, unsigned *degrees)
{
    return ask_kind(handle, "LIMIT", kind, degrees);
}

int nvmlDeviceGetClockInfo(device *handle, int kind, unsigned *mhz) { return ask_kind(handle, "CLOCK", kind, mhz); }

int nvmlDeviceGetUtilizationRates(device *handle, unsigned *rates)
{
    unsigned long long numbers[2];
    int code = ask_numbers(handle->key, "USE", 2, numbers);
    if (code == 0)
        rates[0] = (unsigned)numbers[0], rates[1] = (unsigned)numbers[1];
    return code;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(device *handle, unsigned long long *bits)
{
    unsigned long long numbers[2];
    int code = ask_numbers(handle->key, "THROTTLES", 1, numbers);
    if (code == 0)
        *bits = numbers[0];
    return code;
}

static int one_of(device *handle, const char *field, int which, unsigned *number)
{
    unsigned long long numbers[2];
    int code = ask_numbers(handle->key, field, 2, numbers);
    if (code == 0)
        *number = (unsigned)numbers[which];
    return code;
}

int nvmlDeviceGetCurrPcieLinkGeneration(device *handle, unsigned *n) { return one_of(handle, "PCIE", 0, n); }
int nvmlDeviceGetCurrPcieLinkWidth(device *handle, unsigned *n) { return one_of(handle, "PCIE", 1, n); }
int nvmlDeviceGetMaxPcieLinkGeneration(device *handle, unsigned *n) { return one_of(handle, "PCIE_MAX", 0, n); }
int nvmlDeviceGetMaxPcieLinkWidth(device *handle, unsigned *n) { return one_of(handle, "PCIE_MAX", 1, n); }

int nvmlDeviceGetPcieThroughput(device *handle, int counter, unsigned *rate) /* 0 is sent, 1 is received */
{
    return one_of(handle, "THROUGHPUT", 1 - counter, rate);
}

typedef struct {
    unsigned field, scope;
    long long at, latency;
    int type, code;
    unsigned long long value;
} field_value;

int nvmlDeviceGetFieldValues(device *handle, int count, field_value *values)
{
    unsigned long long numbers[2];
    int code = ask_numbers(handle->key, "BYTES", 2, numbers);
    for (int i = 0; i < count; i++)
        values[i].code = code, values[i].value = numbers[values[i].field == 198 ? 0 : 1];
    return 0;
}

typedef struct { unsigned pid; unsigned long long bytes; unsigned instance, compute; } process;

static int holders(device *handle, const char *field, unsigned *count, process *processes)
{
    const char *value;
    int code = ask(handle->key, field, &value), used;
    unsigned found = 0, room = *count;
    process one = {0};
    if (code != 0)
        return code;
    while (sscanf(value, "%u %llu%n", &one.pid, &one.bytes, &used) == 2) {
        if (processes != NULL && found < room)
            processes[found] = one;
        found++, value += used;
    }
    *count = found;
    return found > room || (found && processes == NULL) ? 7 : 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3(device *handle, unsigned *count, process *all)
{
    return holders(handle, "HOLD", count, all);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(device *handle, unsigned *count, process *all)
{
    return holders(handle, "DRAW", count, all);
}

int nvmlSystemGetProcessName(unsigned pid, char *text, unsigned length)
{
    char field[32];
    snprintf(field, sizeof field, "PROGRAM_%u", pid);
    return ask_text("", field, text, length);
}

/* Plays Windows' dxgi.dll: a factory with a list of adapters, each an object behind a table of functions.
 * `live` counts the objects that were handed out and not given back. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    uint16_t name[128];
    uint32_t vendor, device, subsystem, revision;
    size_t dedicated, dedicated_system, shared;
    uint32_t luid[2], flags;
} description;

typedef struct { uint64_t budget, usage, reservable, reserved; } video_memory;
typedef struct { void **table; int index; } object;

static const uint8_t FACTORY_1[16] = {0x78, 0xae, 0x0a, 0x77, 0x6f, 0xf2, 0xba, 0x4d,
                                      0xa8, 0x29, 0x25, 0x3c, 0x83, 0xd1, 0xb3, 0x87};
static const uint8_t ADAPTER_3[16] = {0xa4, 0x67, 0x59, 0x64, 0x92, 0x13, 0x10, 0x43,
                                      0xa7, 0x98, 0x80, 0x53, 0xce, 0x3e, 0x93, 0xfd};
static const uint8_t DEVICE[16] = {0xfa, 0x77, 0xec, 0x54, 0x77, 0x13, 0xe6, 0x44,
                                   0x8c, 0x32, 0x88, 0xfd, 0x5f, 0x44, 0xc8, 0x4c};

#define GIB ((size_t)1 << 30)
#define NOT_FOUND ((int32_t)0x887A0002)
#define NO_INTERFACE ((int32_t)0x80004002)
#define MINUS_ONE ((int32_t)0x80004005)

int live;
int refuse;

static const struct {
    const char *name;
    uint32_t vendor, device, revision, luid, flags;
    size_t dedicated, shared;
    uint64_t budget, usage;
    int64_t driver;
} CARDS[] = {
    {"NVIDIA GeForce RTX 4070", 0x10de, 0x2786, 0xa1, 10, 0, 12 * GIB, 16 * GIB, 11 * GIB, 0, 1},
    {"AMD Radeon RX 7800 XT", 0x1002, 0x747e, 0xc8, 11, 0, 16 * GIB, 16 * GIB, 15 * GIB, GIB,
     (32LL << 48) | (0LL << 32) | (12033LL << 16) | 1030},
    {"AMD Radeon RX 7800 XT", 0x1002, 0x747e, 0xc8, 11, 0, 16 * GIB, 16 * GIB, 15 * GIB, GIB, 0},
    {"Intel(R) UHD Graphics 770", 0x8086, 0x4680, 0x0c, 12, 0, GIB / 8, 32 * GIB, 0, 0, 0},
    {"AMD Radeon(TM) 8060S Graphics", 0x1002, 0x1586, 0xc1, 13, 0, 16 * GIB, 48 * GIB, 0, 0, 0},
    {"Microsoft Basic Render Driver", 0x1414, 0x8c, 0, 14, 2, 0, 32 * GIB, 0, 0, 0},
};

static object factory, adapters[sizeof CARDS / sizeof *CARDS];

static int32_t release(object *this) { return --live; }

static int32_t get_desc(object *this, description *told)
{
    memset(told, 0, sizeof *told);
    for (int i = 0; CARDS[this->index].name[i]; i++)
        told->name[i] = (uint16_t)CARDS[this->index].name[i];
    told->vendor = CARDS[this->index].vendor;
    told->device = CARDS[this->index].device;
    told->revision = CARDS[this->index].revision;
    told->luid[0] = CARDS[this->index].luid;
    told->flags = CARDS[this->index].flags;
    told->dedicated = CARDS[this->index].dedicated;
    told->shared = CARDS[this->index].shared;
    return 0;
}

static int32_t query_interface(object *this, const uint8_t *wanted, object **answer)
{
    if (memcmp(wanted, ADAPTER_3, 16) != 0 || CARDS[this->index].budget == 0)
        return NO_INTERFACE;
    live++;
    *answer = this;
    return 0;
}

static int32_t query_video_memory(object *this, uint32_t node, uint32_t segment, video_memory *told)
{
    if (node != 0 || segment != 0)
        return MINUS_ONE;
    *told = (video_memory){CARDS[this->index].budget, CARDS[this->index].usage, 0, 0};
    return 0;
}

static int32_t check_interface(object *this, const uint8_t *wanted, int64_t *version)
{
    if (memcmp(wanted, DEVICE, 16) != 0 || CARDS[this->index].driver == 0)
        return NO_INTERFACE;
    *version = CARDS[this->index].driver;
    return 0;
}

static int32_t wrong_place(object *this) { __builtin_trap(); }

#define W (void *)wrong_place
static void *ADAPTER_TABLE[] = {(void *)query_interface, W, (void *)release, W, W, W, W, W, W,
                                (void *)check_interface, (void *)get_desc, W, W, W, (void *)query_video_memory};

static int32_t enum_adapters(object *this, uint32_t index, object **answer)
{
    if (index >= sizeof CARDS / sizeof *CARDS)
        return NOT_FOUND;
    adapters[index] = (object){ADAPTER_TABLE, (int)index};
    *answer = &adapters[index];
    live++;
    return 0;
}

static void *FACTORY_TABLE[] = {W, W, (void *)release, W, W, W, W, W, W, W, W, W, (void *)enum_adapters, W};

int32_t CreateDXGIFactory1(const uint8_t *wanted, object **answer)
{
    if (refuse || memcmp(wanted, FACTORY_1, 16) != 0)
        return NO_INTERFACE;
    factory = (object){FACTORY_TABLE, 0};
    *answer = &factory;
    live++;
    return 0;
}

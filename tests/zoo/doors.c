/* Doors that lie about themselves; one of the names below, defined on the command line, chooses how. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    uint8_t *data;
    size_t length;
};

struct door {
    uint32_t abi;
    struct bytes (*call)(struct bytes);
    void (*free)(struct bytes);
};

#ifdef UNASKED
/* {"Contribute": {"Ok": []}}, whatever was asked. */
static uint8_t answer[] = "\x81\xaa" "Contribute" "\x81\xa2" "Ok" "\x90";
#else
static uint8_t answer[] = "garbage";
#endif

static struct bytes call(struct bytes request) {
    (void)request;
    struct bytes it = {answer, sizeof answer - 1};
#ifdef LONGER
    it.length = (size_t)1 << 40;
#endif
#ifdef DEEP
    static uint8_t deep[1 << 20];
    memset(deep, 0x91, sizeof deep);
    memcpy(deep, "\x81\xa5" "Lower", 7);
    it.data = deep;
    it.length = sizeof deep;
#endif
    return it;
}

static void give_back(struct bytes answer) { (void)answer; }

#ifdef ENDLESS_START
__attribute__((constructor)) static void start(void) {
    for (;;) {
    }
}
#endif

#ifdef OTHER_ABI
#define ABI 7
#else
#define ABI 2
#endif

#ifndef DOORLESS
struct door mops_door_liar = {ABI, call, give_back};
#else
struct door no_door = {ABI, call, give_back};
#endif

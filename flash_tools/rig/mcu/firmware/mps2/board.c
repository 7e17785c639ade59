// Start, reset, time and random numbers of the emulated board; how large its heap is, and what runs first.
#include "py/runtime.h"
#include "py/mphal.h"
#include "py/stackctrl.h"
#include "shared/runtime/pyexec.h"
#include "mps2.h"

#define VTOR REG(0xe000ed08)
#define AIRCR REG(0xe000ed0c)
#define SYSTICK_CONTROL REG(0xe000e010)
#define SYSTICK_RELOAD REG(0xe000e014)
#define SYSTICK_VALUE REG(0xe000e018)
#define TIMER_CONTROL REG(0x40000000)
#define TIMER_VALUE REG(0x40000004)
#define TIMER_RELOAD REG(0x40000008)
#define PRESCALE REG(0x4002801c)
#define MHZ (25)
#define VECTORS (48)
#define NAP_MS (500) // the timer has 24 bits

uint32_t rig_cause;
static void (*vectors[VECTORS])(void) __attribute__((aligned(256)));
static uint32_t last_ticks, random_state;
static uint64_t ticks;

static void ignore(void) {
}

static void stand_still(void) { // the watchdog's warning: its second one is the reset
    for (;;) {
        __asm volatile ("wfi");
    }
}

void rig_set_handler(uint32_t number, void (*handler)(void)) {
    vectors[number] = handler;
}

static void start(void) {
    for (uint32_t i = 0; i < VECTORS; i++) {
        vectors[i] = i < 16 ? ((void (**)(void))0)[i] : ignore;
    }
    vectors[2] = stand_still;
    vectors[15] = ignore; // SysTick: wakes the processor
    VTOR = (uint32_t)vectors;
    TIMER_RELOAD = TIMER_VALUE = last_ticks = 0xffffffff;
    TIMER_CONTROL = 1;
    PRESCALE = MHZ * 1000 - 1;
    MILLISECONDS = 0; // it counted faster until here
    rig_cause = POWERED->alive != MARK ? PWRON_RESET : POWERED->commanded == MARK ? HARD_RESET : WDT_RESET;
    POWERED->alive = MARK;
    POWERED->commanded = 0;
    POWERED->before += POWERED->now;
    POWERED->now = POWERED->begun = 0;
    random_state = HOST->seed + 2654435761u * ++POWERED->boots;
}

// -- the heap is as large as the host says ------------------------------------------------------------------------------

void __real_gc_init(void *first, void *end);

void __wrap_gc_init(void *first, void *end) {
    start();
    uint32_t size = HOST->heap_size & ~15u;
    if (HOST->mark == MARK && size && size < (size_t)((char *)end - (char *)first)) {
        end = (char *)first + size;
    }
    if (HOST->mark == MARK && HOST->stack_limit) {
        mp_stack_set_limit(HOST->stack_limit);
    }
    __real_gc_init(first, end);
}

// -- what runs first ----------------------------------------------------------------------------------------------------

int __real_pyexec_friendly_repl(void);

int __wrap_pyexec_friendly_repl(void) {
    if (HOST->mark != MARK || HOST->flags & FLAG_REPL) {
        return __real_pyexec_friendly_repl();
    }
    pyexec_frozen_module("_boot.py", false);
    rig_reset();
    return 0;
}

void rig_reset(void) {
    POWERED->commanded = MARK;
    AIRCR = 0x05fa0004;
    for (;;) {
    }
}

// -- time ---------------------------------------------------------------------------------------------------------------

static uint64_t count(void) {
    uint32_t now = TIMER_VALUE;
    ticks += last_ticks - now;
    last_ticks = now;
    return ticks;
}

mp_uint_t mp_hal_ticks_ms(void) {
    return POWERED->now = MILLISECONDS; // limits from outside go by it, too
}

mp_uint_t mp_hal_ticks_us(void) {
    return count() / MHZ;
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return count();
}

uint64_t mp_hal_time_ns(void) {
    return 0;
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = count() + (uint64_t)us * MHZ;
    while (count() < end) {
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint32_t first = MILLISECONDS, gone;
    while ((gone = MILLISECONDS - first) < ms) { // wakes up for what comes, and at its end
        SYSTICK_RELOAD = MHZ * 1000 * (ms - gone < NAP_MS ? ms - gone : NAP_MS) - 1;
        SYSTICK_VALUE = 0;
        SYSTICK_CONTROL = 7;
        __asm volatile ("wfi");
    }
    SYSTICK_CONTROL = 0;
    POWERED->now = MILLISECONDS;
}

uint32_t rig_random(void) { // xorshift
    uint32_t x = random_state ? random_state : 1;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return random_state = x;
}

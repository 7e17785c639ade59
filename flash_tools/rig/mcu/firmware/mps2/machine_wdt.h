// Included into MicroPython's machine.WDT: the board's own watchdog, which counts twice before it bites.
#include "mps2.h"

#define WDOG_LOAD REG(0x40008000)
#define WDOG_CONTROL REG(0x40008008)
#define WDOG_CLEAR REG(0x4000800c)
#define WDOG_LOCK REG(0x40008c00)
#define TICKS_A_MS (25000)

struct _machine_wdt_obj_t {
    mp_obj_base_t base;
};
static const machine_wdt_obj_t wdt_object = {{&machine_wdt_type}};

static machine_wdt_obj_t *mp_machine_wdt_make_new_instance(mp_int_t id, mp_int_t timeout_ms) {
    if (id != 0 || timeout_ms < 1 || timeout_ms > 2 * (0x7fffffff / TICKS_A_MS)) {
        mp_raise_ValueError(MP_ERROR_TEXT("there is WDT(0) only, up to 171 s"));
    }
    WDOG_LOCK = 0x1acce551;
    WDOG_LOAD = timeout_ms * (TICKS_A_MS / 2);
    WDOG_CONTROL = 3;
    return (machine_wdt_obj_t *)&wdt_object;
}

static void mp_machine_wdt_feed(machine_wdt_obj_t *self) {
    WDOG_CLEAR = 1;
}

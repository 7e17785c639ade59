// Included into MicroPython's machine module: reset, and what the module has besides.
#include "py/objarray.h"
#include "mps2.h"

static void mp_machine_idle(void) {
    __asm volatile ("nop");
}

NORETURN static void mp_machine_reset(void) {
    rig_reset();
    for (;;) {
    }
}

static mp_int_t mp_machine_reset_cause(void) {
    return rig_cause;
}

static const mp_obj_array_t machine_mem_backup = {
    {&mp_type_memoryview}, 'B' | MP_OBJ_ARRAY_TYPECODE_FLAG_RW, 0, sizeof(((powered_t *)0)->backup), (void *)POWERED->backup
};

static mp_obj_t machine_mem_backup_of(void) {
    return MP_OBJ_FROM_PTR(&machine_mem_backup);
}
static MP_DEFINE_CONST_FUN_OBJ_0(machine_mem_backup_obj, machine_mem_backup_of);

// There is no bus in software; a port that imports its name finds the one in hardware.
#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_Pin), MP_ROM_PTR(&machine_pin_type) }, \
    { MP_ROM_QSTR(MP_QSTR_SoftSPI), MP_ROM_PTR(&machine_spi_type) }, \
    { MP_ROM_QSTR(MP_QSTR_mem_backup), MP_ROM_PTR(&machine_mem_backup_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_PWRON_RESET), MP_ROM_INT(PWRON_RESET) }, \
    { MP_ROM_QSTR(MP_QSTR_HARD_RESET), MP_ROM_INT(HARD_RESET) }, \
    { MP_ROM_QSTR(MP_QSTR_WDT_RESET), MP_ROM_INT(WDT_RESET) },

// machine.SPI and machine.Pin: the one bus, with the chip on it, and a few lines. Neither takes any heap.
#include "py/runtime.h"
#include "extmod/modmachine.h"
#include "mps2.h"

#define PINS (8)
#define CHIP_SELECT (0)

static void spi_init(mp_obj_base_t *self, size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    (void)self;
}

static void spi_transfer(mp_obj_base_t *self, size_t size, const uint8_t *out, uint8_t *in) {
    (void)self;
    nor_transfer(size, out, in);
}

static const mp_machine_spi_p_t spi_protocol = {.init = spi_init, .transfer = spi_transfer};
static const mp_obj_base_t spi_object = {&machine_spi_type};

static mp_obj_t spi_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    if (n_args && mp_obj_get_int(args[0]) != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("there is SPI(0) only"));
    }
    return MP_OBJ_FROM_PTR(&spi_object);
}

MP_DEFINE_CONST_OBJ_TYPE(
    machine_spi_type, MP_QSTR_SPI, MP_TYPE_FLAG_NONE, make_new, spi_make_new,
    protocol, &spi_protocol, locals_dict, &mp_machine_spi_locals_dict
    );

typedef struct {
    mp_obj_base_t base;
    uint8_t number;
} pin_t;

static const pin_t pins[PINS] = {
    {{&machine_pin_type}, 0}, {{&machine_pin_type}, 1}, {{&machine_pin_type}, 2}, {{&machine_pin_type}, 3},
    {{&machine_pin_type}, 4}, {{&machine_pin_type}, 5}, {{&machine_pin_type}, 6}, {{&machine_pin_type}, 7},
};
static uint8_t outputs, levels;

static mp_obj_t pin_use(const pin_t *pin, size_t n_args, const mp_obj_t *args) {
    uint8_t bit = 1 << pin->number;
    if (!n_args) {
        return MP_OBJ_NEW_SMALL_INT(((outputs & bit ? levels : HOST->inputs) & bit) != 0);
    }
    bool high = mp_obj_is_true(args[0]);
    levels = high ? levels | bit : levels & ~bit;
    if (pin->number == CHIP_SELECT) {
        nor_select(high);
    }
    return mp_const_none;
}

static mp_obj_t pin_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_id, ARG_mode, ARG_pull, ARG_value };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_id, MP_ARG_REQUIRED | MP_ARG_INT },
        { MP_QSTR_mode, MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_pull, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_value, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed), allowed, args);
    if (args[ARG_id].u_int < 0 || args[ARG_id].u_int >= PINS) {
        mp_raise_ValueError(MP_ERROR_TEXT("no such pin"));
    }
    const pin_t *pin = &pins[args[ARG_id].u_int];
    outputs = args[ARG_mode].u_int ? outputs | 1 << pin->number : outputs & ~(1 << pin->number);
    if (args[ARG_value].u_obj != mp_const_none) {
        pin_use(pin, 1, &args[ARG_value].u_obj);
    }
    return MP_OBJ_FROM_PTR(pin);
}

static mp_obj_t pin_call(mp_obj_t self, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 1, false);
    return pin_use(MP_OBJ_TO_PTR(self), n_args, args);
}

static mp_obj_t pin_value(size_t n_args, const mp_obj_t *args) {
    return pin_use(MP_OBJ_TO_PTR(args[0]), n_args - 1, args + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pin_value_obj, 1, 2, pin_value);

static const mp_rom_map_elem_t pin_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&pin_value_obj) },
    { MP_ROM_QSTR(MP_QSTR_IN), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_OUT), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_PULL_UP), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_PULL_DOWN), MP_ROM_INT(2) },
};
static MP_DEFINE_CONST_DICT(pin_locals, pin_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    machine_pin_type, MP_QSTR_Pin, MP_TYPE_FLAG_NONE, make_new, pin_make_new, call, pin_call, locals_dict, &pin_locals
    );

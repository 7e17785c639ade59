// Included into MicroPython's time module: nobody has told this board what time it is.
static mp_obj_t mp_time_time_get(void) {
    return MP_OBJ_NEW_SMALL_INT(0);
}

static mp_obj_t mp_time_localtime_get(void) {
    static const mp_rom_obj_tuple_t first = {{&mp_type_tuple}, 8, {
        MP_ROM_INT(2000), MP_ROM_INT(1), MP_ROM_INT(1), MP_ROM_INT(0), MP_ROM_INT(0), MP_ROM_INT(0), MP_ROM_INT(5), MP_ROM_INT(1)
    }};
    return MP_OBJ_FROM_PTR(&first);
}

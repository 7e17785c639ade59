// Included into MicroPython's machine.UART: UART(1), the line to the network. UART(0) is the console.
#include "py/mperrno.h"
#include "py/stream.h"
#include "mps2.h"

#define MICROPY_PY_MACHINE_UART_CLASS_CONSTANTS

struct _machine_uart_obj_t {
    mp_obj_base_t base;
};
static const machine_uart_obj_t uart_object = {{&machine_uart_type}};

static void mp_machine_uart_print(const mp_print_t *print, mp_obj_t self, mp_print_kind_t kind) {
    mp_printf(print, "UART(1)");
}

static void mp_machine_uart_init_helper(machine_uart_obj_t *self, size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
}

static mp_obj_t mp_machine_uart_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    if (!n_args || mp_obj_get_int(args[0]) != 1) {
        mp_raise_ValueError(MP_ERROR_TEXT("there is UART(1) only"));
    }
    uart_line_init();
    return MP_OBJ_FROM_PTR(&uart_object);
}

static void mp_machine_uart_deinit(machine_uart_obj_t *self) {
}

static mp_int_t mp_machine_uart_any(machine_uart_obj_t *self) {
    return uart_line_any();
}

static bool mp_machine_uart_txdone(machine_uart_obj_t *self) {
    return true;
}

static mp_uint_t mp_machine_uart_read(mp_obj_t self, void *into, mp_uint_t size, int *errcode) {
    size_t count = uart_line_read(into, size);
    if (!count) {
        *errcode = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return count;
}

static mp_uint_t mp_machine_uart_write(mp_obj_t self, const void *data, mp_uint_t size, int *errcode) {
    uart_line_write(data, size);
    return size;
}

static mp_uint_t mp_machine_uart_ioctl(mp_obj_t self, mp_uint_t request, uintptr_t flags, int *errcode) {
    if (request == MP_STREAM_POLL) {
        return (flags & MP_STREAM_POLL_WR) | (uart_line_any() ? flags & MP_STREAM_POLL_RD : 0);
    }
    if (request == MP_STREAM_FLUSH) {
        return 0;
    }
    *errcode = MP_EINVAL;
    return MP_STREAM_ERROR;
}

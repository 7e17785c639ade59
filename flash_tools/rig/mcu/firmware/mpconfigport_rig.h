// What the emulated microcontroller has beyond MicroPython's own configuration of ports/qemu: what stock firmware of real boards has, too.
#include "ports/qemu/mpconfigport.h"

#undef MICROPY_PY_TIME
#define MICROPY_PY_TIME (1)
#define MICROPY_PY_TIME_INCLUDEFILE "mps2/time_parts.h"
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS (1)
#define MICROPY_KBD_EXCEPTION (1)
#define MICROPY_SSL_AXTLS (1) // only its MD5, which is ours
#define MICROPY_PY_HASHLIB_MD5 (1)
#define MICROPY_PY_OS_URANDOM (1)
#define MICROPY_PY_OS_INCLUDEFILE "mps2/os_urandom.h"

#undef MICROPY_PY_MACHINE_INCLUDEFILE
#define MICROPY_PY_MACHINE_INCLUDEFILE "mps2/machine_parts.h"
#define MICROPY_PY_MACHINE_SPI (1)
#define MICROPY_PY_MACHINE_UART (1)
#define MICROPY_PY_MACHINE_UART_INCLUDEFILE "mps2/machine_uart.h"
#define MICROPY_PY_MACHINE_WDT (1)
#define MICROPY_PY_MACHINE_WDT_INCLUDEFILE "mps2/machine_wdt.h"

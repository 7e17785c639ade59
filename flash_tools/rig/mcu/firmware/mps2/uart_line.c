// The second serial line: what comes is kept by an interrupt, as drivers of real boards do; where the memory for it is full the
// sender waits (an emulated line loses nothing).
#include "mps2.h"

#define DATA REG(0x40005000)
#define STATE REG(0x40005004)
#define CONTROL REG(0x40005008)
#define INTERRUPT REG(0x4000500c)
#define DIVIDER REG(0x40005010)
#define SET_ENABLE REG(0xe000e100)
#define NUMBER (2)
#define TX_FULL (1)
#define RX_FULL (2)
#define ON (0x3)
#define RX_INTERRUPT (0x8)
#define KEPT (1024)

static uint8_t kept[KEPT];
static volatile uint32_t put, got; // counts, the places are the remainders

static void take(void) {
    INTERRUPT = 2;
    while (STATE & RX_FULL) {
        if (put - got == KEPT) {
            CONTROL = ON;
            return;
        }
        kept[put % KEPT] = DATA;
        put++;
    }
}

void uart_line_init(void) {
    rig_set_handler(16 + NUMBER, take);
    DIVIDER = 16;
    CONTROL = ON | RX_INTERRUPT;
    SET_ENABLE = 1 << NUMBER;
}

size_t uart_line_any(void) {
    return put - got;
}

size_t uart_line_read(uint8_t *into, size_t size) {
    size_t count = 0;
    while (count < size && put != got) {
        into[count++] = kept[got % KEPT];
        got++;
    }
    if (!(CONTROL & RX_INTERRUPT) && put - got < KEPT / 2) {
        CONTROL = ON | RX_INTERRUPT;
        __asm volatile ("cpsid i" ::: "memory");
        take(); // what waits in the line itself will not interrupt again
        __asm volatile ("cpsie i" ::: "memory");
    }
    return count;
}

void uart_line_write(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        while (STATE & TX_FULL) {
        }
        DATA = data[i];
    }
}

// The emulated board: registers of the MPS2 (AN385), and the memory that a host shares with it, 16 MiB at 0x21000000.
#ifndef RIG_MPS2_H
#define RIG_MPS2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))

#define MILLISECONDS REG(0x40028018) // counts for ever

// Shared memory: what the host keeps in a file, so that it outlives a power cut.
#define NOR_CELLS ((uint8_t *)0x21000000)
#define NOR_SIZE (4u << 20)
#define HOST ((volatile host_t *)0x21f00000)
#define POWERED ((volatile powered_t *)0x21f01000)
#define CHIP ((volatile chip_t *)0x21f02000)
#define MARK (0x4d434752)

// Written by the host before it gives power.
typedef struct {
    uint32_t mark; // MARK, else all of this is ignored
    uint32_t heap_size; // bytes
    uint32_t seed; // of the random numbers
    uint32_t flags; // FLAG_
    uint32_t program_step; // bytes that the chip programs between two looks at its status
    uint32_t erase_steps; // looks that an erase takes
    uint32_t inputs; // levels of the input pins, a bit each
    uint32_t stack_limit; // bytes that MicroPython may use of the C stack
} host_t;
#define FLAG_REPL (1) // a REPL instead of the first stage

// Lost when power goes: the host fills it with zeros then.
typedef struct {
    uint32_t alive; // MARK once the board has started
    uint32_t commanded; // MARK where the reset was asked for
    uint32_t boots;
    uint32_t busy; // what the chip is doing: NOR_
    uint32_t addr, size, done;
    uint32_t status, begun; // when, in milliseconds
    uint8_t page[256];
    uint8_t backup[64]; // machine.mem_backup
    uint32_t before, now; // milliseconds by the board's own clock: of the starts before this one, and of this one
} powered_t;

// What the chip saw in all its life.
typedef struct {
    uint32_t programs, erases, reads;
    uint32_t violations, code, where; // of the last one
} chip_t;
enum { NOR_IDLE, NOR_PROGRAM, NOR_ERASE };
enum { OVER_DATA = 1, PAGE_CROSSED, NOT_ALIGNED, OUTSIDE, NOT_ENABLED };

extern uint32_t rig_cause; // as machine.reset_cause
enum { PWRON_RESET = 1, HARD_RESET = 2, WDT_RESET = 3 };

void nor_select(bool high);
void nor_transfer(size_t size, const uint8_t *out, uint8_t *in);

void uart_line_init(void);
size_t uart_line_any(void);
size_t uart_line_read(uint8_t *into, size_t size);
void uart_line_write(const uint8_t *data, size_t size);

void rig_reset(void);
uint32_t rig_random(void);
void rig_set_handler(uint32_t number, void (*handler)(void));

#endif

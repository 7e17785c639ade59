// A NOR chip of 4 MiB on the SPI bus: a GD25Q32, as its driver sees it. It is strict: what silicon would do wrong without a word
// is counted as a violation. It works on in small pieces, one at each look at its status, so that a power cut can come between
// two bytes of a page; what it is doing outlives a reset of the processor, not a power cut.
#include <string.h>

#include "mps2.h"

#define BUSY (1)
#define ENABLED (2)
#define PAGE (256)
#define PROGRAM_MS (2)
#define ERASE_MS (60)

static const uint8_t id[] = {0xc8, 0x40, 0x16};
static struct {
    bool selected;
    uint8_t opcode;
    uint32_t count, addr;
    uint8_t data[PAGE];
} now; // this transaction

static void violation(uint32_t code, uint32_t where) {
    CHIP->violations++;
    CHIP->code = code;
    CHIP->where = where;
}

// Do the next piece of what was begun.
static void work(void) {
    uint32_t size = POWERED->size, done = POWERED->done;
    uint32_t step = POWERED->busy == NOR_PROGRAM ? HOST->program_step : (size + HOST->erase_steps) / (HOST->erase_steps + 1);
    bool late = MILLISECONDS - POWERED->begun >= (POWERED->busy == NOR_PROGRAM ? PROGRAM_MS : ERASE_MS);
    uint32_t end = late || !step || size - done < step ? size : done + step;
    uint8_t *cells = NOR_CELLS + POWERED->addr;
    if (POWERED->busy == NOR_ERASE) {
        memset(cells + done, 0xff, end - done);
    } else {
        const uint8_t *page = (const uint8_t *)POWERED->page;
        for (; done < end; done++) {
            if (page[done] & ~cells[done]) {
                violation(OVER_DATA, POWERED->addr + done);
            }
            cells[done] &= page[done];
        }
    }
    POWERED->done = end;
    if (end == size) {
        POWERED->busy = NOR_IDLE;
        POWERED->status = 0;
    }
}

static void begin(uint32_t what, uint32_t addr, uint32_t size) {
    if (POWERED->busy || !(POWERED->status & ENABLED)) {
        if (!POWERED->busy) {
            violation(NOT_ENABLED, addr);
        }
        return; // not heard
    }
    if (addr + size > NOR_SIZE) {
        violation(OUTSIDE, addr);
        return;
    }
    POWERED->addr = addr;
    POWERED->size = size;
    POWERED->done = 0;
    POWERED->begun = MILLISECONDS;
    POWERED->status = ENABLED | BUSY;
    POWERED->busy = what;
}

static void program(void) {
    uint32_t size = now.count - 4;
    if (now.addr % PAGE + size > PAGE) {
        violation(PAGE_CROSSED, now.addr);
        return;
    }
    if (!POWERED->busy) {
        memcpy((void *)POWERED->page, now.data, size);
        CHIP->programs++;
    }
    begin(NOR_PROGRAM, now.addr, size);
}

static void erase(uint32_t size) {
    if (now.addr % size) {
        violation(NOT_ALIGNED, now.addr);
        return;
    }
    CHIP->erases += !POWERED->busy;
    begin(NOR_ERASE, now.addr, size);
}

static void end_of_command(void) {
    switch (now.opcode) {
        case 0x06:
            POWERED->status |= POWERED->busy ? 0 : ENABLED;
            break;
        case 0x04:
            POWERED->status &= POWERED->busy ? ~0u : ~(uint32_t)ENABLED;
            break;
        case 0x02:
            if (now.count > 4) {
                program();
            }
            break;
        case 0x20:
            erase(4 << 10);
            break;
        case 0x52:
            erase(32 << 10);
            break;
        case 0xd8:
            erase(64 << 10);
            break;
    }
}

void nor_select(bool high) {
    if (high && now.selected && now.count) {
        end_of_command();
    }
    now.selected = !high;
    now.count = 0;
    now.addr = 0;
}

static uint8_t answer(uint32_t at) {
    if (now.opcode == 0x05) {
        if (POWERED->busy) {
            work();
        }
        return POWERED->status;
    }
    if (now.opcode == 0x9f && !POWERED->busy) {
        return at <= sizeof(id) ? id[at - 1] : 0xff;
    }
    return 0xff;
}

static uint8_t exchange(uint8_t out) {
    uint32_t at = now.count++;
    if (at == 0) {
        now.opcode = out;
        return 0xff;
    }
    if (at < 4 && now.opcode != 0x05 && now.opcode != 0x9f) {
        now.addr = (now.addr << 8 | out) & 0xffffff;
        return 0xff;
    }
    if (now.opcode == 0x02 && at < 4 + PAGE) {
        now.data[at - 4] = out;
    }
    return answer(at);
}

void nor_transfer(size_t size, const uint8_t *out, uint8_t *in) {
    if (!now.selected) {
        if (in) {
            memset(in, 0xff, size);
        }
        return;
    }
    if (in && now.opcode == 0x03 && now.count >= 4) { // what takes long on a real bus is done at once here
        bool whole = !POWERED->busy && now.addr + size <= NOR_SIZE;
        if (whole) {
            memcpy(in, NOR_CELLS + now.addr, size);
        } else {
            memset(in, 0xff, size);
        }
        now.addr += size;
        CHIP->reads++;
        return;
    }
    if (out && now.opcode == 0x02 && now.count >= 4 && now.count + size <= 4 + PAGE) {
        memcpy(now.data + now.count - 4, out, size);
        now.count += size;
        return;
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = exchange(out ? out[i] : 0);
        if (in) {
            in[i] = byte;
        }
    }
}

# The parts of the emulated board: built into MicroPython as a C module of a user, its sources are not touched.
SRC_USERMOD_C += $(addprefix $(USERMOD_DIR)/, board.c bus.c md5.c nor.c uart_line.c)
SRC_USERMOD_LIB_C += shared/timeutils/timeutils.c
LDFLAGS_USERMOD += -Wl,--wrap=gc_init -Wl,--wrap=pyexec_friendly_repl

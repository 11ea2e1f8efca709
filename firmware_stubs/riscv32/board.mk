# SPDX-License-Identifier: Apache-2.0
CORE := RV32IMAC
EMULATED := QEMU virt
PACKAGES := gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc
CC := riscv64-unknown-elf-gcc
SIZE := riscv64-unknown-elf-size
CFLAGS := -march=rv32imac -misa-spec=2.2 -mabi=ilp32 --specs=picolibc.specs
LDFLAGS := -nostartfiles -T riscv32/board.ld
SOURCES := common/memory.c riscv32/start.S riscv32/port.c
EMULATOR := qemu-system-riscv32 -M virt -bios none -icount shift=0 -display none -monitor none -no-reboot -serial {serial} -kernel {image}

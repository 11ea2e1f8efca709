# SPDX-License-Identifier: Apache-2.0
CORE := Cortex-M0 (BBC micro:bit, nRF51822)
EMULATED := QEMU microbit
PACKAGES := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm
CC := arm-none-eabi-gcc
SIZE := arm-none-eabi-size
CFLAGS := -mcpu=cortex-m0 -mthumb -DCORE_HZ=16000000u -DTICKS_EXCEPTION=24
LDFLAGS := -nostartfiles --specs=nano.specs -T cortex_m0/board.ld
SOURCES := common/memory.c common/cortex_m/start.c cortex_m0/port.c
EMULATOR := qemu-system-arm -M microbit -icount shift=0 -display none -monitor none -no-reboot -serial {serial} -kernel {image}

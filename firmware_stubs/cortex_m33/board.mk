# SPDX-License-Identifier: Apache-2.0
CORE := Cortex-M33 (Arm MPS2, AN505)
EMULATED := QEMU mps2-an505
PACKAGES := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm
CC := arm-none-eabi-gcc
SIZE := arm-none-eabi-size
CFLAGS := -mcpu=cortex-m33 -mthumb -mfloat-abi=soft -DCORE_HZ=20000000u -DUART_BASE=0x50200000u -DUART_HZ=20000000u
LDFLAGS := -nostartfiles --specs=nano.specs -T cortex_m33/board.ld
SOURCES := common/memory.c common/cortex_m/start.c common/cortex_m/systick.c common/mps.c
EMULATOR := qemu-system-arm -M mps2-an505 -icount shift=0 -display none -monitor none -no-reboot -serial {serial} -kernel {image}

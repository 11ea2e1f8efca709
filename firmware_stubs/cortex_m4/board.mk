# SPDX-License-Identifier: Apache-2.0
CORE := Cortex-M4 (Arm MPS2, AN386)
EMULATED := QEMU mps2-an386
PACKAGES := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm
CC := arm-none-eabi-gcc
SIZE := arm-none-eabi-size
CFLAGS := -mcpu=cortex-m4 -mthumb -mfloat-abi=soft -DCORE_HZ=25000000u -DUART_BASE=0x40004000u -DUART_HZ=25000000u
LDFLAGS := -nostartfiles --specs=nano.specs -T common/mps2.ld
SOURCES := common/memory.c common/cortex_m/start.c common/cortex_m/systick.c common/mps.c
EMULATOR := qemu-system-arm -M mps2-an386 -icount shift=0 -display none -monitor none -no-reboot -serial {serial} -kernel {image}

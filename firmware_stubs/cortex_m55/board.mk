# SPDX-License-Identifier: Apache-2.0
CORE := Cortex-M55 (Arm MPS3, AN547)
EMULATED := QEMU mps3-an547
PACKAGES := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm
CC := arm-none-eabi-gcc
SIZE := arm-none-eabi-size
CFLAGS := -mcpu=cortex-m55 -mthumb -mfloat-abi=hard -DCORE_HZ=32000000u -DUART_BASE=0x59303000u -DUART_HZ=25000000u
LDFLAGS := -nostartfiles --specs=nano.specs -T cortex_m55/board.ld
SOURCES := common/memory.c common/cortex_m/start.c common/cortex_m/systick.c common/mps.c
EMULATOR := qemu-system-arm -M mps3-an547 -icount shift=0 -display none -monitor none -no-reboot -serial {serial} -kernel {image}

# SPDX-License-Identifier: Apache-2.0
CORE := Cortex-M3 (STM32VLDISCOVERY, STM32F100)
EMULATED := QEMU stm32vldiscovery
PACKAGES := gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm
CC := arm-none-eabi-gcc
SIZE := arm-none-eabi-size
CFLAGS := -mcpu=cortex-m3 -mthumb -DCORE_HZ=24000000u
LDFLAGS := -nostartfiles --specs=nano.specs -T cortex_m3/board.ld
SOURCES := common/memory.c common/cortex_m/start.c common/cortex_m/systick.c cortex_m3/port.c
EMULATOR := qemu-system-arm -M stm32vldiscovery -icount shift=0 -display none -monitor none -no-reboot -serial {serial} -kernel {image}

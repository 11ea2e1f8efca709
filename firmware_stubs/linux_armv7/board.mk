# SPDX-License-Identifier: Apache-2.0
CORE := Cortex-A, ARMv7 (with NEON: Raspberry Pi 2 to 4 with a 32-bit system)
EMULATED := QEMU user mode, Cortex-A7
PACKAGES := gcc-arm-linux-gnueabihf libc6-dev-armhf-cross qemu-user-static
CC := arm-linux-gnueabihf-gcc
SIZE := arm-linux-gnueabihf-size
CFLAGS := -march=armv7-a -mfpu=neon
LDFLAGS := -static
SOURCES := common/posix.c
EMULATOR := qemu-arm-static -cpu cortex-a7 {image}

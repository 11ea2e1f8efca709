# SPDX-License-Identifier: Apache-2.0
CORE := Cortex-A, AArch64 (Raspberry Pi 3 to 5 with a 64-bit system)
EMULATED := QEMU user mode, Cortex-A72
PACKAGES := gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static
CC := aarch64-linux-gnu-gcc
SIZE := aarch64-linux-gnu-size
CFLAGS :=
LDFLAGS := -static
SOURCES := common/posix.c
EMULATOR := qemu-aarch64-static -cpu cortex-a72 {image}

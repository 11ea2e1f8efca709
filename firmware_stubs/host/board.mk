# SPDX-License-Identifier: Apache-2.0
CORE := This machine
EMULATED :=
PACKAGES := gcc
CC := gcc
SIZE := size
CFLAGS :=
LDFLAGS :=
SOURCES := common/posix.c
EMULATOR := {image}

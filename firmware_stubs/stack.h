/* SPDX-License-Identifier: Apache-2.0 */
/* How much of its stack a program has ever used: the stack is painted first, and later searched for what is left. */
#ifndef STACK_H
#define STACK_H

#include <stdint.h>

/* Call it first in main. Bytes above the caller's frame count as used. */
void stack_paint(void);

/* Bytes; both 0 where the port does not know the stack. */
uint32_t stack_size(void);
uint32_t stack_used(void);

#endif

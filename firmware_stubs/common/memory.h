/* SPDX-License-Identifier: Apache-2.0 */
/* Memory as sections.ld lays it out. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdint.h>

extern uint32_t stack_start[], stack_end[];

/* A register of a peripheral or of the core. */
#define REGISTER(address) (*(volatile uint32_t *)(address))

/* Gives variables their first values, then runs main. What starts a core ends here. */
void memory_start(void) __attribute__((noreturn));

#endif

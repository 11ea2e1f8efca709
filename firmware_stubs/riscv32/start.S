/* SPDX-License-Identifier: Apache-2.0 */
    .section .start, "ax"
    .globl reset
reset:
    la sp, stack_end
    la t0, trap
    csrw mtvec, t0
    j memory_start

/* Nothing here may trap: the program ends. */
    .balign 4
trap:
    j port_exit

/* SPDX-License-Identifier: Apache-2.0 */
/* For edgernn's Python extension: a linear of several vectors at once, which reads the weights once for several. */
#ifndef EDGERNN_PRODUCT_H
#define EDGERNN_PRODUCT_H

#include "edgernn.h"

#if defined(EDGERNN_FAMILY_AVX2) || defined(EDGERNN_FAMILY_AVX512)
#define EDGERNN_HAS_PRODUCT 1

#ifdef __cplusplus
extern "C" {
#endif

/*
 * edgernn_linear_s8 of all `rows` rows for `vectors` expanded operands, each `step` elements behind the one before; the
 * results of each stand out_step elements behind those of the one before.
 */
void edgernn_product_s8(const edgernn_kernel_t *kernel, size_t rows, const edgernn_operand_s8_t *v, size_t step,
                        size_t vectors, int16_t *out, size_t out_step);

#ifdef __cplusplus
}
#endif
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A model without the runtime: what the firmware wants to know of its kernels. */
#define EDGERNN_FAMILY "none"

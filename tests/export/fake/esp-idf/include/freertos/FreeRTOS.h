/* SPDX-License-Identifier: Apache-2.0 */
/* A fake of FreeRTOS' header for tests on the host. */
#ifndef FAKE_FREERTOS_H
#define FAKE_FREERTOS_H

#define pdFALSE 0
#define portMAX_DELAY 0xffffffffu

#endif

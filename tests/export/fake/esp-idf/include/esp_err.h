/* SPDX-License-Identifier: Apache-2.0 */
/* A fake of ESP-IDF's header for tests on the host. */
#ifndef FAKE_ESP_ERR_H
#define FAKE_ESP_ERR_H

#include <stdlib.h>

typedef int esp_err_t;

#define ESP_OK 0
#define ESP_ERROR_CHECK(call) do { if ((call) != ESP_OK) { abort(); } } while (0)

#endif

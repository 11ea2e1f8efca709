/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"
#include "port.h"
#include "protocol.h"
#include "stack.h"

int main(void)
{
    static protocol_t protocol;

    stack_paint();
    port_init();
    protocol_init(&protocol, model_selftest());
    for (;;) {
        protocol_feed(&protocol, port_read());
    }
}

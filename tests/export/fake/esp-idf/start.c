/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a fake ESP-IDF program on the host. */
void app_main(void);

int main(void)
{
    app_main();
    return 1;
}

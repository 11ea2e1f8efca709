/* SPDX-License-Identifier: Apache-2.0 */
/* STM32VLDISCOVERY: an STM32F100RB at 24 MHz; USART1, TX on PA9, RX on PA10. Registers: ST's RM0041. */
#include "cortex_m/core.h"
#include "memory.h"
#include "port.h"

#define RCC_CR REGISTER(0x40021000u)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
#define RCC_CFGR REGISTER(0x40021004u)
#define RCC_CFGR_SW_PLL 2u
#define RCC_CFGR_SWS (3u << 2)
#define RCC_CFGR_SWS_PLL (2u << 2)
#define RCC_CFGR_PLL_HALF_HSI_TIMES_6 (4u << 18)
#define RCC_APB2ENR REGISTER(0x40021018u)
#define RCC_APB2ENR_IOPAEN (1u << 2)
#define RCC_APB2ENR_USART1EN (1u << 14)

#define GPIOA_CRH REGISTER(0x40010804u)
#define GPIOA_CRH_PA9_PA10 0xFF0u
#define GPIOA_CRH_PA9_ALTERNATE_PA10_INPUT 0x4B0u

#define USART_SR REGISTER(0x40013800u)
#define USART_SR_RXNE (1u << 5)
#define USART_SR_TC (1u << 6)
#define USART_SR_TXE (1u << 7)
#define USART_DR REGISTER(0x40013804u)
#define USART_BRR REGISTER(0x40013808u)
#define USART_CR1 REGISTER(0x4001380Cu)
#define USART_CR1_UE_TE_RE 0x200Cu
#define BAUD 115200u

/* The PLL locks within 200 us of the 8 MHz clock that the core starts with. */
#define HSI_HZ 8000000u
#define PLL_POLLS 2000

/*
 * Makes it CORE_HZ; returns the clock, which stays as it was where the PLL does not lock: the line works then, and only
 * ticks_per_second is wrong. QEMU has no PLL, and CORE_HZ from the start.
 */
static uint32_t start_clock(void)
{
    RCC_CFGR |= RCC_CFGR_PLL_HALF_HSI_TIMES_6;
    RCC_CR |= RCC_CR_PLLON;
    for (int i = 0; i < PLL_POLLS && (RCC_CR & RCC_CR_PLLRDY) == 0; ++i) {
    }
    if ((RCC_CR & RCC_CR_PLLRDY) == 0) {
        return HSI_HZ;
    }
    RCC_CFGR |= RCC_CFGR_SW_PLL;
    while ((RCC_CFGR & RCC_CFGR_SWS) != RCC_CFGR_SWS_PLL) {
    }
    return CORE_HZ;
}

void port_init(void)
{
    const uint32_t clock = start_clock();
    RCC_APB2ENR |= RCC_APB2ENR_IOPAEN | RCC_APB2ENR_USART1EN;
    GPIOA_CRH = (GPIOA_CRH & ~GPIOA_CRH_PA9_PA10) | GPIOA_CRH_PA9_ALTERNATE_PA10_INPUT;
    USART_BRR = clock / BAUD;
    USART_CR1 = USART_CR1_UE_TE_RE;
    ticks_init();
}

uint8_t port_read(void)
{
    while ((USART_SR & USART_SR_RXNE) == 0) {
    }
    return (uint8_t)USART_DR;
}

void port_write(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        while ((USART_SR & USART_SR_TXE) == 0) {
        }
        USART_DR = bytes[i];
    }
}

void port_exit(void)
{
    while ((USART_SR & USART_SR_TC) == 0) {
    }
    core_reset();
}

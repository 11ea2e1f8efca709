/* SPDX-License-Identifier: Apache-2.0 */
/* Which families this machine can run, of those that were compiled: ENGINE_HAS_<name> says which. */
#include "engine.h"

#if defined(ENGINE_HAS_DOTPROD)
#include <sys/auxv.h>
#endif

typedef struct {
    const engine_family_t *family;
    int (*runs)(void);
} candidate_t;

#define COMPILED(name, condition)                    \
    extern const engine_family_t engine_family_##name; \
    static int runs_##name(void)                     \
    {                                                \
        return (condition) != 0;                     \
    }

#if defined(ENGINE_HAS_AVX512)
COMPILED(avx512, __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vl") &&
                     __builtin_cpu_supports("avx512bw"))
#endif
#if defined(ENGINE_HAS_AVXVNNI)
COMPILED(avxvnni, __builtin_cpu_supports("avxvnni"))
#endif
#if defined(ENGINE_HAS_AVX2)
COMPILED(avx2, __builtin_cpu_supports("avx2"))
#endif
#if defined(ENGINE_HAS_DOTPROD)
COMPILED(dotprod, getauxval(AT_HWCAP) & (1UL << 20)) /* HWCAP_ASIMDDP */
#endif
#if defined(ENGINE_HAS_NEON)
COMPILED(neon, 1)
#endif
COMPILED(portable, 1)

/* The best one first. */
static const candidate_t candidates[] = {
#if defined(ENGINE_HAS_AVX512)
    {&engine_family_avx512, runs_avx512},
#endif
#if defined(ENGINE_HAS_AVXVNNI)
    {&engine_family_avxvnni, runs_avxvnni},
#endif
#if defined(ENGINE_HAS_AVX2)
    {&engine_family_avx2, runs_avx2},
#endif
#if defined(ENGINE_HAS_DOTPROD)
    {&engine_family_dotprod, runs_dotprod},
#endif
#if defined(ENGINE_HAS_NEON)
    {&engine_family_neon, runs_neon},
#endif
    {&engine_family_portable, runs_portable},
};

const engine_family_t *engine_family(size_t number)
{
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; ++i) {
        if (candidates[i].runs() && number-- == 0u) {
            return candidates[i].family;
        }
    }
    return NULL;
}

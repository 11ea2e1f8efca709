/* Microseconds between two samples: @period_reason */
#define PERIOD_US @{period_us}u

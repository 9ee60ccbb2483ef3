#include "clock.h"
#include "sampler_parts.h"

/* As RateCap in traces/sampler.py, whose thresholds these are to the bit. */
#define WINDOW_NS 100000000
#define SMOOTHING 0.2

int64_t
cap_threshold(Sampler *sampler, int64_t threshold)
{
    if (sampler->per_second <= 0 || threshold < 0 || threshold >= NEVER)
        return threshold;
    int64_t now = now_ns(); /* may run Python in tests */
    double rate, ratio = (double)(NEVER - threshold) / (double)NEVER;
    GUARD(sampler)
    int64_t past_ns = now - sampler->window_began_ns;
    if (past_ns >= WINDOW_NS) {
        double measured = (double)sampler->in_window * 1e9 / (double)past_ns;
        double weight = fmin(1.0, SMOOTHING * (double)past_ns / WINDOW_NS);
        sampler->rate += weight * (measured - sampler->rate);
        sampler->window_began_ns = now;
        sampler->in_window = 0;
    }
    sampler->in_window++;
    /* within a window a burst counts as if it went on at this pace */
    rate = fmax(sampler->rate, (double)sampler->in_window * 1e9 / WINDOW_NS * SMOOTHING);
    UNGUARD()
    double allowed = rate > 0 ? fmin(ratio, sampler->per_second / rate) : ratio;
    int64_t cap = NEVER - (int64_t)nearbyint(allowed * (double)NEVER); /* half to even, as round() */
    return cap > threshold ? cap : threshold;
}

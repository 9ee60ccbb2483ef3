#include "render_number.h"

/* The algorithm is Schubfach (R. Giulietti, "The Schubfach way to render doubles", 2020): the interval of decimals that read
 * back as the double is scaled by a power of ten until it is a few integers wide. tests/hotpath/test_hotpath_render_number.py
 * compares it with Python's repr. */

#define LEAST_POWER (-292)
#define MOST_POWER 324
#define WORDS 20 /* 64-bit words; the largest power has 1,077 bits, the smallest needs 970 below the point and 128 to show */

typedef unsigned __int128 Fixed;

static char pairs[100][2];
static Fixed powers[MOST_POWER - LEAST_POWER + 1]; /* 10**k, its first 128 bits, rounded up */

/* The first 128 bits of a number that is not 0; `rest`: it goes on after its words. */
static Fixed
leading(const uint64_t *words, int rest)
{
    int top = WORDS - 1;
    while (words[top] == 0)
        top--;
    int shift = __builtin_clzll(words[top]);
    uint64_t third = top >= 2 ? words[top - 2] : 0, second = top >= 1 ? words[top - 1] : 0;
    Fixed found = (Fixed)words[top] << 64 | second;
    if (shift)
        found = found << shift | third >> (64 - shift);
    int more = rest || third << shift != 0;
    for (int i = top - 3; i >= 0 && !more; i--)
        more = words[i] != 0;
    return found + (Fixed)more;
}

void
number_prepare(void)
{
    for (int i = 0; i < 100; i++) {
        pairs[i][0] = (char)('0' + i / 10);
        pairs[i][1] = (char)('0' + i % 10);
    }
    uint64_t words[WORDS] = {1};
    for (int power = 0; power <= MOST_POWER; power++) {
        powers[power - LEAST_POWER] = leading(words, 0);
        Fixed carry = 0;
        for (int i = 0; i < WORDS; i++) {
            carry += (Fixed)words[i] * 10;
            words[i] = (uint64_t)carry;
            carry >>= 64;
        }
    }
    memset(words, 0, sizeof words);
    words[WORDS - 1] = 1ULL << 63;
    for (int power = -1; power >= LEAST_POWER; power--) {
        Fixed rest = 0;
        for (int i = WORDS - 1; i >= 0; i--) {
            rest = rest << 64 | words[i];
            words[i] = (uint64_t)(rest / 10);
            rest %= 10;
        }
        powers[power - LEAST_POWER] = leading(words, 1);
    }
}

/* n * power, its upper 64 bits; odd if anything was cut off, so that comparisons stay exact. */
static inline uint64_t
scaled(Fixed power, uint64_t n)
{
    Fixed low = (Fixed)(uint64_t)power * n;
    Fixed high = (power >> 64) * n + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* The decimal of mantissa * 2**exponent; `closer`: the next double below is only half as far as the one above. */
static Decimal
shortest(uint64_t mantissa, int32_t exponent, int closer)
{
    int open = mantissa & 1; /* halfway values are read as the even neighbour */
    int32_t k = (exponent * 1262611 - (closer ? 524031 : 0)) >> 22;
    int32_t shift = exponent + ((-k * 1741647) >> 19) + 1;
    Fixed power = powers[-k - LEAST_POWER];
    uint64_t middle = scaled(power, (4 * mantissa) << shift);
    uint64_t low = scaled(power, (4 * mantissa - 2 + closer) << shift) + open;
    uint64_t high = scaled(power, (4 * mantissa + 2) << shift) - open;
    uint64_t below = middle / 4;
    if (below >= 10) {
        uint64_t tens = below / 10;
        int down = low <= 40 * tens, up = 40 * tens + 40 <= high;
        if (down != up)
            return (Decimal){tens + up, k + 1};
    }
    int down = low <= 4 * below, up = 4 * below + 4 <= high;
    if (down == up)
        up = middle > 4 * below + 2 || (middle == 4 * below + 2 && (below & 1));
    return (Decimal){below + up, k};
}

Decimal
number_shortest(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & 0xfffffffffffffULL;
    int32_t biased = (int32_t)(bits >> 52 & 0x7ff);
    uint64_t mantissa = biased ? fraction | 1ULL << 52 : fraction;
    int32_t exponent = (biased ? biased : 1) - 1075;
    Decimal found;
    if (exponent <= 0 && exponent > -53 && (mantissa & ((1ULL << -exponent) - 1)) == 0)
        found = (Decimal){mantissa >> -exponent, 0};
    else
        found = shortest(mantissa, exponent, fraction == 0 && biased > 1);
    while (found.digits % 10 == 0) {
        found.digits /= 10;
        found.exponent++;
    }
    return found;
}

size_t
number_write_count(char *to, uint64_t value)
{
    char digits[20];
    int at = 20;
    while (value >= 100) {
        at -= 2;
        memcpy(digits + at, pairs[value % 100], 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(digits + at, pairs[value], 2);
    } else {
        digits[--at] = (char)('0' + value);
    }
    memcpy(to, digits + at, (size_t)(20 - at));
    return (size_t)(20 - at);
}

size_t
number_write_wide(char *to, Wide value)
{
    const uint64_t step = 10000000000000000000ULL;
    size_t size = 0;
    Fixed left = value < 0 ? -(Fixed)value : (Fixed)value;
    if (value < 0)
        to[size++] = '-';
    if (left < step)
        return size + number_write_count(to + size, (uint64_t)left);
    size += number_write_wide(to + size, (Wide)(left / step));
    char low[20];
    size_t written = number_write_count(low, (uint64_t)(left % step));
    memset(to + size, '0', 19 - written);
    memcpy(to + size + 19 - written, low, written);
    return size + 19;
}

static size_t
write_exponent(char *to, int exponent)
{
    size_t size = 0;
    to[size++] = 'e';
    to[size++] = exponent < 0 ? '-' : '+';
    int magnitude = exponent < 0 ? -exponent : exponent;
    if (magnitude < 10)
        to[size++] = '0';
    return size + number_write_count(to + size, (uint64_t)magnitude);
}

static size_t
write_decimal(char *to, Decimal decimal, int pointed)
{
    char digits[20];
    int count = (int)number_write_count(digits, decimal.digits), point = count + decimal.exponent;
    size_t size = 0;
    if (point - 1 < -4 || point - 1 >= 6) {
        to[size++] = digits[0];
        if (count > 1) {
            to[size++] = '.';
            memcpy(to + size, digits + 1, (size_t)count - 1);
            size += (size_t)count - 1;
        }
        return size + write_exponent(to + size, point - 1);
    }
    if (point <= 0) {
        memcpy(to, "0.000000", (size_t)(2 - point));
        memcpy(to + 2 - point, digits, (size_t)count);
        return (size_t)(2 - point + count);
    }
    for (int i = 0; i < count || i < point; i++) {
        if (i == point)
            to[size++] = '.';
        to[size++] = i < count ? digits[i] : '0';
    }
    if (count <= point && pointed) {
        to[size++] = '.';
        to[size++] = '0';
    }
    return size;
}

size_t
number_write_real(char *to, double value, int pointed)
{
    if (isnan(value)) {
        memcpy(to, "NaN", 3);
        return 3;
    }
    size_t size = 0;
    if (signbit(value))
        to[size++] = '-';
    if (isinf(value)) {
        memcpy(to, value < 0 ? "-Inf" : "+Inf", 4);
        return 4;
    }
    if (value == 0.0) {
        memcpy(to + size, "0.0", 3);
        return size + (pointed ? 3 : 1);
    }
    return size + write_decimal(to + size, number_shortest(fabs(value)), pointed);
}

size_t
number_write_seconds(char *to, int64_t ns)
{
    size_t size = number_write_count(to, (uint64_t)(ns / 1000000000));
    uint64_t left = (uint64_t)(ns % 1000000000);
    int places = 9;
    while (places > 1 && left % 10 == 0) {
        left /= 10;
        places--;
    }
    to[size++] = '.';
    char digits[20];
    size_t written = number_write_count(digits, left);
    memset(to + size, '0', (size_t)places - written);
    memcpy(to + size + (size_t)places - written, digits, written);
    return size + (size_t)places;
}

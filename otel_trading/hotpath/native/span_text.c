#include "span_text.h"

/* What a letter may be; what is not ASCII may be anything: blank, digit, letter. */
enum letter { WORD = 1, DIGIT = 2, UPPER = 4, BLANK = 8, FOREIGN = 16, TRIGGER = 32, JOINED = 64 /* . and - */ };

static const uint8_t KIND[256] = {
    ['\t'] = BLANK, ['\n'] = BLANK, ['\v'] = BLANK, ['\f'] = BLANK, ['\r'] = BLANK, [' '] = BLANK,
    [0x1c] = BLANK, [0x1d] = BLANK, [0x1e] = BLANK, [0x1f] = BLANK,
    ['0' ... '9'] = WORD | DIGIT | TRIGGER,
    ['A' ... 'Z'] = WORD | UPPER | TRIGGER,
    ['a'] = WORD, ['b'] = WORD | TRIGGER, ['c' ... 'd'] = WORD, ['e'] = WORD | TRIGGER, ['f' ... 'z'] = WORD,
    ['_'] = WORD, ['.'] = JOINED, ['-'] = JOINED | TRIGGER, ['='] = TRIGGER, [':'] = TRIGGER,
    [0x80 ... 0xff] = FOREIGN | TRIGGER,
};

/* A piece of a text. */
typedef struct {
    const uint8_t *at, *end;
} Rest;

static inline int
is(const uint8_t *at, uint8_t kinds)
{
    return (KIND[*at] & kinds) != 0;
}

static int
begins(const uint8_t *at, const uint8_t *end, const char *with, size_t size)
{
    return (size_t)(end - at) >= size && memcmp(at, with, size) == 0;
}

static int
begins_in_any_case(const uint8_t *at, const uint8_t *end, const char *with, size_t size)
{
    if ((size_t)(end - at) < size)
        return 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t letter = at[i] >= 'A' && at[i] <= 'Z' ? at[i] | 0x20 : at[i];
        if (letter != (uint8_t)with[i])
            return 0;
    }
    return 1;
}

static int
word_in(const Word *word, const uint8_t *name, size_t size)
{
    for (size_t i = 0; i + word->size <= size; i++)
        if (begins_in_any_case(name + i, name + size, word->letters, word->size))
            return 1;
    return 0;
}

static int
row_in(const Row *row, const uint8_t *name, size_t size, int foreign)
{
    for (uint32_t i = 0; i < row->number; i++) {
        const Word *word = &row->words[i];
        if (word->foreign) {
            if (!foreign)
                return 0;
        } else if (row->ends && i + 1 == row->number) {
            if (size < word->size || !begins_in_any_case(name + size - word->size, name + size, word->letters, word->size))
                return 0;
        } else if (!word_in(word, name, size))
            return 0;
    }
    return 1;
}

/* Letters that Python's lower() or re.IGNORECASE take for ASCII ones: the sign of Kelvin, long s, i with and without its dot. */
static int
folds_to_ascii(const uint8_t *at, const uint8_t *end)
{
    return begins(at, end, "\xe2\x84\xaa", 3) || begins(at, end, "\xc5\xbf", 2) || begins(at, end, "\xc4\xb0", 2) ||
           begins(at, end, "\xc4\xb1", 2);
}

int
name_suspicious(const SecretNames *names, const uint8_t *name, size_t size)
{
    uint32_t alphabet = 0;
    int foreign = 0;
    for (size_t i = 0; i < size; i++) {
        if (is(name + i, FOREIGN)) {
            foreign = 1;
            if (folds_to_ascii(name + i, name + size))
                return 1;
        } else if (((name[i] | 0x20) >= 'a') && ((name[i] | 0x20) <= 'z'))
            alphabet |= 1u << ((name[i] | 0x20) - 'a');
    }
    while (size > 0 && (name[size - 1] == '_' || !is(name + size - 1, WORD)))
        size--;
    for (uint32_t i = 0; i < names->number; i++)
        if ((names->rows[i].alphabet & ~alphabet) == 0 && row_in(&names->rows[i], name, size, foreign))
            return 1;
    return 0;
}

/* name=value, name: value, "name": value; `at` is the sign between them. */
static int
named_secret(const SecretNames *names, const uint8_t *text, const uint8_t *at)
{
    const uint8_t *end = at;
    for (; end > text && is(end - 1, BLANK | FOREIGN); end--)
        if (names->foreign && is(end - 1, FOREIGN)) /* blank or name */
            return 1;
    if (end > text && (end[-1] == '"' || end[-1] == '\''))
        end--;
    else
        while (end < at && is(end, FOREIGN)) /* they may belong to the name, too */
            end++;
    const uint8_t *begin = end;
    while (begin > text && is(begin - 1, WORD | JOINED | FOREIGN))
        begin--;
    return begin < end && name_suspicious(names, begin, (size_t)(end - begin));
}

/* ://user:password@host */
static int
user_in_url(const uint8_t *at, const uint8_t *end)
{
    if (!begins(at, end, "://", 3))
        return 0;
    for (at += 3; at < end && *at != '/' && *at != '?' && *at != '#' && !is(at, BLANK); at++)
        if (*at == '@')
            return 1;
    return 0;
}

/* Past one character that is a digit or foreign; NULL if it is neither. */
static const uint8_t *
past_digit(const uint8_t *at, const uint8_t *end)
{
    if (at == end || !is(at, DIGIT | FOREIGN))
        return NULL;
    if (is(at++, DIGIT))
        return at;
    while (at < end && (*at & 0xc0) == 0x80)
        at++;
    return at;
}

/* A row of digits and foreign characters. */
typedef struct {
    const uint8_t *end;
    size_t number;
    int foreign;
} Digits;

static Digits
digits_at(const uint8_t *at, const uint8_t *end)
{
    Digits found = {at, 0, 0};
    const uint8_t *next;
    while ((next = past_digit(found.end, end)) != NULL) {
        found.foreign |= is(found.end, FOREIGN);
        found.end = next;
        found.number++;
    }
    return found;
}

/* 4111111111111111: of the length and with the first digits of a card, and nothing around it. */
static int
card(const uint8_t *at, const uint8_t *end, const Digits *digits)
{
    if (digits->foreign)
        return digits->number >= 15;
    if (digits->end < end && is(digits->end, WORD | JOINED))
        return 0;
    if (digits->number == 15)
        return at[0] == '3' && (at[1] == '4' || at[1] == '7');
    return digits->number == 16 && at[0] >= '4' && at[0] <= '6';
}

/* 4111 1111 1111 1111: `first` is the first group. */
static int
card_in_groups(const uint8_t *end, const Digits *first)
{
    Digits group = *first;
    const uint8_t *sign = first->end;
    if (group.number < 4 || (group.number > 4 && !group.foreign) || sign == end || (*sign != ' ' && *sign != '-'))
        return 0;
    for (int i = 0; i < 3; i++) {
        if (group.end == end || *group.end != *sign)
            return 0;
        group = digits_at(group.end + 1, end);
        if (group.number < 4 || (group.number > 4 && !(group.foreign && i == 2)))
            return 0;
    }
    return 1;
}

/* DE89 3704 0044 0532 0130 00 */
static int
bank_account(const uint8_t *at, const uint8_t *end)
{
    int letters = 0;
    if (end - at < 2 || !is(at, UPPER) || !is(at + 1, UPPER) || (at = past_digit(at + 2, end)) == NULL ||
        (at = past_digit(at, end)) == NULL)
        return 0;
    for (; at < end && (is(at, DIGIT | UPPER) || *at == ' '); at++)
        letters += *at != ' ';
    return letters >= 11; /* 15 in all; an ISIN has 12 */
}

/* Bearer abc, Basic abc */
static int
authorization(const uint8_t *at, const uint8_t *end)
{
    size_t size = begins_in_any_case(at, end, "bearer", 6) ? 6 : begins_in_any_case(at, end, "basic", 5) ? 5 : 0;
    return size > 0 && at + size < end && is(at + size, BLANK | FOREIGN);
}

static int
digits_suspicious(const uint8_t *text, const uint8_t *at, const uint8_t *end, const Digits *digits)
{
    if (digits->number < 4 || (!digits->foreign && at > text && is(at - 1, WORD | JOINED)))
        return 0;
    return card(at, end, digits) || card_in_groups(end, digits);
}

int
text_suspicious(const SecretNames *names, const uint8_t *text, size_t size)
{
    const uint8_t *end = text + size;
    for (const uint8_t *at = text; at < end; at++) {
        if (LIKELY(!is(at, TRIGGER)))
            continue;
        if (is(at, DIGIT | FOREIGN)) {
            Digits digits = digits_at(at, end);
            if (digits_suspicious(text, at, end, &digits))
                return 1;
            if (digits.foreign)
                for (; at < digits.end; at++)
                    if (folds_to_ascii(at, end))
                        return 1;
            at = digits.end - 1;
        } else if (*at == '=' || *at == ':') {
            if (named_secret(names, text, at) || (*at == ':' && user_in_url(at, end)))
                return 1;
        } else if (*at == '-') {
            if (begins(at, end, "-----BEGIN", 10))
                return 1;
        } else if (begins(at, end, "eyJ", 3) || authorization(at, end) || bank_account(at, end))
            return 1;
    }
    return 0;
}

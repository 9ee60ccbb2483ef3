/* Which spans of a chunk may hold a secret: the bytes are walked without the GIL, in some hundred nanoseconds a span.
 *
 * Python decides once about each key of an attribute, and what of the spans that are named here has to change. */
#include "span_keys.h"
#include "span_screen.h"
#include "span_text.h"

#include <time.h>

#define MOST_DEPTH 64
#define MOST_UNKNOWN 64 /* keys that are told at once */

/* Whoever waits for the GIL needs a moment to wake; without it we would have it back before (benchmarks/span_gaps.py). */
static const struct timespec BREATH = {0, 20000};

PyTypeObject *Screen_Type = NULL;

typedef struct {
    uint32_t begin, end;
} Place;

typedef struct {
    Place *places;
    uint32_t number, room;
    uint8_t failed; /* memory ran out */
} Places;

typedef struct {
    PyObject_HEAD
    uint8_t looking;    /* a thread is in look() or teach() */
    uint8_t every_text; /* is suspicious */
    SecretNames names;
    Keys keys;
} Screen;

/* One look. */
typedef struct {
    const Screen *screen;
    const uint8_t *first; /* of the chunk */
    Places suspects, unknown;
} Look;

static void
place_add(Places *places, uint32_t begin, uint32_t end)
{
    if (places->number == places->room) {
        uint32_t room = places->room ? places->room * 2 : 16;
        Place *more = PyMem_RawRealloc(places->places, room * sizeof(Place));
        if (more == NULL) {
            places->failed = 1;
            return;
        }
        places->places = more;
        places->room = room;
    }
    places->places[places->number++] = (Place){begin, end};
}

static void
tell_unknown(Look *look, const uint8_t *key, size_t size)
{
    Places *unknown = &look->unknown;
    if (unknown->number >= MOST_UNKNOWN)
        return;
    for (uint32_t i = 0; i < unknown->number; i++) {
        const Place *known = &unknown->places[i];
        if (known->end - known->begin == size && memcmp(look->first + known->begin, key, size) == 0)
            return;
    }
    uint32_t begin = (uint32_t)(key - look->first);
    place_add(unknown, begin, begin + (uint32_t)size);
}

static enum key_class
class_of(Look *look, const uint8_t *key, size_t size)
{
    enum key_class found = keys_find(&look->screen->keys, key, size);
    if (UNLIKELY(found == UNKNOWN_KEY))
        tell_unknown(look, key, size);
    return found;
}

/* Past the number that stands there; NULL if it is none. */
static const uint8_t *
varint_get(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; at < end && shift < 64; shift += 7) {
        *value |= (uint64_t)(*at & 0x7f) << shift;
        if (*at++ < 0x80)
            return at;
    }
    return NULL;
}

/* A field of a message. */
typedef struct {
    uint32_t number;
    uint8_t delimited;
    const uint8_t *at, *end; /* of its content */
} Field;

/* 1 and the field that begins there, 0 at the end, -1 if it is no message. */
static int
next_field(const uint8_t **at, const uint8_t *end, Field *field)
{
    uint64_t tag, size;
    const uint8_t *p = *at;
    if (p == end)
        return 0;
    if ((p = varint_get(p, end, &tag)) == NULL)
        return -1;
    *field = (Field){(uint32_t)(tag >> 3), 0, p, p};
    switch (tag & 7) {
    case 0:
        field->end = varint_get(p, end, &size);
        break;
    case 1:
        field->end = end - p < 8 ? NULL : p + 8;
        break;
    case 2:
        field->delimited = 1;
        field->at = varint_get(p, end, &size);
        field->end = field->at == NULL || size > (uint64_t)(end - field->at) ? NULL : field->at + size;
        break;
    case 5:
        field->end = end - p < 4 ? NULL : p + 4;
        break;
    default:
        field->end = NULL;
    }
    *at = field->end;
    return field->end == NULL ? -1 : 1;
}

#define EACH_FIELD(field, from, to, bad)                                                                                       \
    Field field;                                                                                                               \
    const uint8_t *field##_at = (from);                                                                                        \
    for (int field##_more; (field##_more = next_field(&field##_at, (to), &field)) != 0;)                                       \
        if (field##_more < 0) {                                                                                                \
            bad = 1;                                                                                                           \
            break;                                                                                                             \
        } else

static int
text_bad(const Look *look, const Field *field)
{
    return text_suspicious(&look->screen->names, field->at, (size_t)(field->end - field->at));
}

static int pair_bad(Look *look, const uint8_t *at, const uint8_t *end, int depth);
static int value_bad(Look *look, enum key_class class, const uint8_t *at, const uint8_t *end, int depth);

/* [name, value] in a list, as headers come. */
static int
named_element(const Look *look, const Field *element)
{
    const Field *list = NULL, *first = NULL;
    Field found[2] = {{0}, {0}};
    int bad = 0, elements = 0;
    EACH_FIELD(kind, element->at, element->end, bad) {
        if (kind.number == 5 && kind.delimited) {
            found[0] = kind;
            list = &found[0];
        }
    }
    if (list == NULL)
        return bad;
    Field text = {0};
    EACH_FIELD(value, list->at, list->end, bad) {
        if (elements++ == 0) {
            EACH_FIELD(content, value.at, value.end, bad) {
                if (content.number == 1 && content.delimited) {
                    text = content;
                    first = &text;
                }
            }
        }
    }
    return bad || (elements == 2 && first != NULL &&
                   name_suspicious(&look->screen->names, first->at, (size_t)(first->end - first->at)));
}

static int
list_bad(Look *look, enum key_class class, const Field *list, int depth)
{
    int bad = 0;
    EACH_FIELD(element, list->at, list->end, bad)
        bad |= !element.delimited || named_element(look, &element) || value_bad(look, class, element.at, element.end, depth);
    return bad;
}

static int
mapping_bad(Look *look, const Field *mapping, int depth)
{
    int bad = 0;
    EACH_FIELD(pair, mapping->at, mapping->end, bad)
        bad |= !pair.delimited || pair_bad(look, pair.at, pair.end, depth);
    return bad;
}

/* The content of an AnyValue under a key of this class. */
static int
value_bad(Look *look, enum key_class class, const uint8_t *at, const uint8_t *end, int depth)
{
    int bad = depth > MOST_DEPTH;
    if (bad)
        return 1;
    EACH_FIELD(kind, at, end, bad) {
        int plain = kind.number >= 2 && kind.number <= 4;
        if (kind.number == 2) /* a bool tells nobody which */
            continue;
        if (class == SECRET_KEY || plain == kind.delimited)
            bad = 1;
        else if (kind.number == 1)
            bad |= class != ID_KEY && text_bad(look, &kind);
        else if (kind.number == 5)
            bad |= list_bad(look, class, &kind, depth + 1);
        else if (kind.number == 6)
            bad |= mapping_bad(look, &kind, depth + 1);
        else if (!plain)
            bad = 1; /* bytes, or what is not known here */
    }
    return bad;
}

static int
pair_bad(Look *look, const uint8_t *at, const uint8_t *end, int depth)
{
    Field key = {1, 1, at, at}, value = {2, 1, at, at}; /* both may be missing */
    int bad = 0;
    EACH_FIELD(field, at, end, bad) {
        if (field.number == 1 && field.delimited)
            key = field;
        else if (field.number == 2 && field.delimited)
            value = field;
    }
    enum key_class class = class_of(look, key.at, (size_t)(key.end - key.at));
    return value_bad(look, class, value.at, value.end, depth) || bad || class == UNKNOWN_KEY;
}

/* An event, link or status: a text with one number, attributes with another. */
static int
part_bad(Look *look, const Field *part, uint32_t text, uint32_t attributes)
{
    int bad = 0;
    EACH_FIELD(field, part->at, part->end, bad) {
        if (!field.delimited)
            continue;
        if (field.number == text)
            bad |= text_bad(look, &field);
        else if (field.number == attributes)
            bad |= pair_bad(look, field.at, field.end, 0);
    }
    return bad;
}

static int
span_bad(Look *look, const Field *span)
{
    enum { SPAN_NAME = 5, SPAN_ATTRIBUTE = 9, SPAN_EVENT = 11, SPAN_LINK = 13, SPAN_STATUS = 15, NONE = 0 };
    int bad = look->screen->every_text;
    EACH_FIELD(field, span->at, span->end, bad) {
        if (!field.delimited)
            continue;
        switch (field.number) {
        case SPAN_NAME:
            bad |= text_bad(look, &field);
            break;
        case SPAN_ATTRIBUTE:
            bad |= pair_bad(look, field.at, field.end, 0);
            break;
        case SPAN_EVENT:
            bad |= part_bad(look, &field, 2, 3);
            break;
        case SPAN_LINK:
            bad |= part_bad(look, &field, NONE, 4);
            break;
        case SPAN_STATUS:
            bad |= part_bad(look, &field, 2, NONE);
        }
    }
    return bad;
}

/* 0 if it is no row of spans. */
static int
look_through(Look *look, const uint8_t *end)
{
    int broken = 0;
    const uint8_t *begin = look->first;
    EACH_FIELD(span, look->first, end, broken) {
        if (span.number != 2 || !span.delimited)
            return 0;
        if (span_bad(look, &span))
            place_add(&look->suspects, (uint32_t)(begin - look->first), (uint32_t)(span.end - look->first));
        begin = span.end;
    }
    return !broken;
}

static int
screen_take(Screen *screen)
{
    if (!__atomic_exchange_n(&screen->looking, 1, __ATOMIC_ACQUIRE))
        return 1;
    PyErr_SetString(PyExc_RuntimeError, "another thread uses this screen");
    return 0;
}

static void
screen_leave(Screen *screen)
{
    __atomic_store_n(&screen->looking, 0, __ATOMIC_RELEASE);
}

static PyObject *
list_of(const Places *places, PyObject *(*made)(const Place *, const char *), const char *first)
{
    PyObject *list = places->failed ? PyErr_NoMemory() : PyList_New(places->number);
    for (uint32_t i = 0; list != NULL && i < places->number; i++) {
        PyObject *item = made(&places->places[i], first);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

static PyObject *
place_pair(const Place *place, const char *first)
{
    return Py_BuildValue("II", place->begin, place->end);
}

static PyObject *
place_bytes(const Place *place, const char *first)
{
    return PyBytes_FromStringAndSize(first + place->begin, place->end - place->begin);
}

static PyObject *
look_call(PyObject *self, PyObject *spans)
{
    Screen *screen = (Screen *)self;
    if (!PyBytes_CheckExact(spans) || PyBytes_GET_SIZE(spans) > UINT32_MAX)
        return PyErr_Format(PyExc_TypeError, "look takes bytes of at most 4 GiB; was %.200s", Py_TYPE(spans)->tp_name);
    if (!screen_take(screen))
        return NULL;
    const char *first = PyBytes_AS_STRING(spans);
    Look look = {screen, (const uint8_t *)first, {0}, {0}};
    int whole;
    Py_BEGIN_ALLOW_THREADS
    whole = look_through(&look, look.first + PyBytes_GET_SIZE(spans));
    nanosleep(&BREATH, NULL);
    Py_END_ALLOW_THREADS
    screen_leave(screen);
    PyObject *suspects = NULL, *unknown = NULL;
    if (!whole)
        PyErr_SetString(PyExc_ValueError, "these are no encoded spans");
    else if ((suspects = list_of(&look.suspects, place_pair, first)) != NULL)
        unknown = list_of(&look.unknown, place_bytes, first);
    PyMem_RawFree(look.suspects.places);
    PyMem_RawFree(look.unknown.places);
    if (unknown == NULL) {
        Py_XDECREF(suspects);
        return NULL;
    }
    return Py_BuildValue("NN", suspects, unknown);
}

static PyObject *
teach_call(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    Screen *screen = (Screen *)self;
    if (count != 2 || !PyBytes_CheckExact(given[0]))
        return PyErr_Format(PyExc_TypeError, "teach takes a key as bytes and its class");
    long class = PyLong_AsLong(given[1]);
    if (class == -1 && PyErr_Occurred())
        return NULL;
    if (class < OTHER_KEY || class > SECRET_KEY)
        return PyErr_Format(PyExc_ValueError, "the class of a key must be 0 to 2; was %ld", class);
    if (!screen_take(screen))
        return NULL;
    int done = keys_put(&screen->keys, (const uint8_t *)PyBytes_AS_STRING(given[0]), (size_t)PyBytes_GET_SIZE(given[0]),
                        (enum key_class)class);
    screen_leave(screen);
    if (done < 0)
        return PyErr_NoMemory();
    Py_RETURN_NONE;
}

static PyObject *
screen_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"anywhere", "at_the_end", "every_text", NULL};
    PyObject *anywhere, *at_the_end;
    int every_text = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OO|p:Screen", names, &anywhere, &at_the_end, &every_text))
        return NULL;
    Screen *screen = (Screen *)type->tp_alloc(type, 0);
    if (screen == NULL)
        return NULL;
    screen->every_text = (uint8_t)every_text;
    if (secret_names_add(&screen->names, anywhere, 0) < 0 || secret_names_add(&screen->names, at_the_end, 1) < 0) {
        Py_DECREF(screen);
        return NULL;
    }
    return (PyObject *)screen;
}

static void
screen_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    secret_names_free(&((Screen *)object)->names);
    keys_clear(&((Screen *)object)->keys);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"look", look_call, METH_O,
     PyDoc_STR("look(spans) -> (suspects, unknown)\n\nWhere the fields of suspicious spans begin and end, and keys that are to be taught.")},
    {"teach", CALL(teach_call), METH_FASTCALL,
     PyDoc_STR("teach(key, kind)\n\n0: any, 1: of an id, whose texts are left alone, 2: of a secret.")},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, screen_new},
    {Py_tp_dealloc, screen_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, (void *)PyDoc_STR("Screen(anywhere, at_the_end, every_text=False)\n\n"
                                  "Finds the encoded spans that may hold a secret.")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Screen", sizeof(Screen), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots,
};

int
screen_add_type(PyObject *module)
{
    Screen_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Screen_Type == NULL ? -1 : PyModule_AddObjectRef(module, "Screen", (PyObject *)Screen_Type);
}

#include "table.h"
#include "attributes.h"
#include "interruption.h"
#include "record.h"

#define RECENT 32          /* dicts recognised by identity; a power of two */
#define MOST_ENTRIES 1000000
#define FOLD(hash) ((uint32_t)((hash) ^ (hash) >> 32))

typedef struct {
    uint32_t hash; /* folded */
    int32_t size;
    Cell *cell;    /* owned, as the pairs are */
    Pair pairs[];
} Entry;

typedef struct {
    PyObject_HEAD
    Told told;
    BUSY
    uint32_t mask;       /* size of `slots`, less one */
    uint32_t used, limit;
    Entry **slots;       /* open addressing; NULL is free. Entries are forgotten all at once only */
    Entry *recent[RECENT];
    Cell *plain;         /* of no attributes; NULL until asked for */
    PyObject *factory;
    PyObject *name;
} Table;

static PyTypeObject *Table_Type = NULL;

/* ---- entries; under GUARD, and no Python runs ---- */

#ifndef Py_GIL_DISABLED
/* The same dict as the last time, or a literal at the same place in memory: all pairs identical, in order. */
static inline int
identical(const Entry *entry, PyObject *dict)
{
    if (entry == NULL || entry->size != PyDict_GET_SIZE(dict))
        return 0;
    PyObject *key, *value;
    Py_ssize_t position = 0;
    for (const Pair *pair = entry->pairs; PyDict_Next(dict, &position, &key, &value); pair++)
        if (pair->key != key || pair->value != value)
            return 0;
    return 1;
}
#endif

static Entry **
place_of(const Table *table, uint32_t hash, const Pair *pairs, int size)
{
    uint32_t i = hash & table->mask;
    for (; table->slots[i] != NULL; i = (i + 1) & table->mask) {
        const Entry *entry = table->slots[i];
        if (entry->hash == hash && entry->size == size && attributes_equal(entry->pairs, pairs, size))
            break;
    }
    return &table->slots[i];
}

/* Doubles `slots`; false if there is no memory, and nothing has changed. */
static int
grow(Table *table)
{
    uint32_t size = (table->mask + 1) * 2;
    Entry **before = table->slots, **after = PyMem_RawCalloc(size, sizeof(Entry *));
    if (after == NULL)
        return 0;
    for (uint32_t old = 0; old <= table->mask; old++) {
        if (before[old] == NULL)
            continue;
        uint32_t i = before[old]->hash & (size - 1);
        while (after[i] != NULL)
            i = (i + 1) & (size - 1);
        after[i] = before[old];
    }
    table->slots = after;
    table->mask = size - 1;
    PyMem_RawFree(before);
    return 1;
}

static void
free_entry(Entry *entry)
{
    for (int i = 0; i < entry->size; i++) {
        Py_DECREF(entry->pairs[i].key);
        Py_DECREF(entry->pairs[i].value);
    }
    Py_DECREF(entry->cell);
    PyMem_Free(entry);
}

/* ---- asking the factory ---- */

/* A cell, held, or NULL: it raised, or wants no series. */
static Cell *
ask(Table *table, PyObject *attributes)
{
    PyObject *factory, *answer;
    GUARD(table)
    factory = Py_NewRef(table->factory);
    UNGUARD()
    answer = PyObject_CallOneArg(factory, attributes);
    Py_DECREF(factory);
    if (answer != NULL && Py_IS_TYPE(answer, Cell_Type))
        return (Cell *)answer;
    Py_XDECREF(answer);
    forget_error();
    return NULL;
}

/* Keeps the pairs of `dict`, our own copy, unless there is no room left; what another call remembered meanwhile stays. */
static void
remember(Table *table, PyObject *dict, Cell *cell)
{
    Pair pairs[MOST_PAIRS];
    uint64_t hash;
    int size = attributes_read(dict, pairs, &hash);
    if (size <= 0)
        return;
    Entry *made = PyMem_Malloc(sizeof(Entry) + size * sizeof(Pair)); /* small ones without a header of malloc */
    if (made == NULL)
        return;
    made->hash = FOLD(hash);
    made->size = size;
    made->cell = (Cell *)Py_NewRef((PyObject *)cell);
    memcpy(made->pairs, pairs, size * sizeof(Pair));
    for (int i = 0; i < size; i++) {
        Py_INCREF(pairs[i].key);
        Py_INCREF(pairs[i].value);
    }
    int kept = 0;
    GUARD(table)
    if (table->used < table->limit && (table->used * 2 < table->mask || grow(table))) {
        Entry **place = place_of(table, FOLD(hash), pairs, size);
        if (*place == NULL) {
            *place = made;
            table->used++;
            kept = 1;
        }
    }
    UNGUARD()
    if (!kept)
        free_entry(made);
}

static Cell *
find_plain(Table *table)
{
    Cell *cell;
    GUARD(table)
    cell = (Cell *)Py_XNewRef((PyObject *)table->plain);
    UNGUARD()
    if (LIKELY(cell != NULL))
        return cell;
    PyObject *none = PyDict_New();
    if (none == NULL) {
        PyErr_Clear();
        return NULL;
    }
    cell = ask(table, none);
    Py_DECREF(none);
    GUARD(table)
    if (cell != NULL && table->plain == NULL)
        table->plain = (Cell *)Py_NewRef((PyObject *)cell);
    UNGUARD()
    return cell;
}

/* The factory gets a copy of a dict, which it may keep, change, or hand on. */
static Cell *
ask_with_copy(Table *table, PyObject *dict)
{
    PyObject *copy = PyDict_Copy(dict);
    if (copy == NULL) {
        PyErr_Clear();
        return NULL;
    }
    Cell *cell = ask(table, copy);
    Py_DECREF(copy);
    return cell;
}

#ifdef Py_GIL_DISABLED
#include "table_shared.h"
#else
/* If the dict qualifies and is not known, `copy` is one of it, made at the moment of hashing: what is put into the dict
 * afterwards cannot become part of a remembered set. */
static inline Cell *
look(Table *table, PyObject *dict, PyObject **copy)
{
    Entry **recent = &table->recent[((uintptr_t)dict >> 5) & (RECENT - 1)];
    if (LIKELY(identical(*recent, dict)))
        return (Cell *)Py_NewRef((PyObject *)(*recent)->cell);
    Pair pairs[MOST_PAIRS];
    uint64_t hash;
    int size = attributes_read(dict, pairs, &hash);
    if (size <= 0)
        return NULL;
    Entry *entry = *place_of(table, FOLD(hash), pairs, size);
    if (entry != NULL) {
        *recent = entry;
        return (Cell *)Py_NewRef((PyObject *)entry->cell);
    }
    *copy = PyDict_Copy(dict); /* may run the collector, and so Python: nothing is looked at afterwards */
    return NULL;
}
#endif

static Cell *
find_new(Table *table, PyObject *copy)
{
    Cell *cell = ask_with_copy(table, copy);
    if (cell != NULL)
        remember(table, copy, cell);
    return cell;
}

/* The cell of these attributes, held, or NULL if they are refused. Runs Python on a miss; leaves no exception. */
static Cell *
find(Table *table, PyObject *attributes)
{
    if (attributes == Py_None)
        return find_plain(table);
    if (UNLIKELY(!PyDict_CheckExact(attributes)))
        return ask(table, attributes);
    if (PyDict_GET_SIZE(attributes) == 0)
        return find_plain(table);
    PyObject *copy = NULL;
    Cell *cell = look(table, attributes, &copy);
    if (LIKELY(cell != NULL))
        return cell;
    PyErr_Clear();
    if (copy == NULL)
        return ask_with_copy(table, attributes);
    cell = find_new(table, copy);
    Py_DECREF(copy);
    return cell;
}

/* ---- methods ---- */

static inline void
into(Table *table, const Said *said)
{
    Cell *cell = find(table, said->attributes);
    if (UNLIKELY(cell == NULL)) {
        refuse(table->name, &table->told, REFUSED_NO_SERIES, said->attributes);
        return;
    }
    if (LIKELY(said->amount != NULL))
        record_amount(cell, said->amount, said);
    else
        record_one(cell, said);
    Py_DECREF(cell);
}

static PyObject *
table_said(Table *table, PyObject *const *arguments, Py_ssize_t count, PyObject *names, int one_if_missing)
{
    Said said;
    if (!said_by(&said, arguments, count, names, 1) || (said.amount == NULL && !one_if_missing))
        refuse(table->name, &table->told, REFUSED_ARGUMENTS, NULL);
    else {
        if (said.attributes == NULL)
            said.attributes = Py_None;
        into(table, &said);
    }
    Py_RETURN_NONE;
}

static inline PyObject *
table_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names, int one_if_missing)
{
    if (UNLIKELY(count == 0 || count > 2 || names != NULL))
        return table_said((Table *)self, arguments, count, names, one_if_missing);
    Said said = {arguments[0], count == 2 ? arguments[1] : Py_None, NULL};
    into((Table *)self, &said);
    Py_RETURN_NONE;
}

static PyObject *
table_record(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    return table_call(self, arguments, count, names, 0);
}

static PyObject *
table_add(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    return table_call(self, arguments, count, names, 1);
}

static PyObject *
table_find(PyObject *self, PyObject *attributes)
{
    Cell *cell = find((Table *)self, attributes);
    if (cell != NULL)
        return (PyObject *)cell;
    refuse(((Table *)self)->name, &((Table *)self)->told, REFUSED_NO_SERIES, attributes);
    Py_RETURN_NONE;
}

/* The entries are taken off first: giving up a cell may run Python, which finds an empty table. */
static PyObject *
table_forget(PyObject *self, PyObject *unused)
{
    Table *table = (Table *)self;
    Entry **slots;
    uint32_t mask;
    Cell *plain;
    Entry **fresh = PyMem_RawCalloc(16, sizeof(Entry *));
    if (fresh == NULL)
        return PyErr_NoMemory();
    GUARD(table)
    slots = table->slots;
    mask = table->mask;
    plain = table->plain;
    table->slots = fresh;
    table->mask = 15;
    table->used = 0;
    table->plain = NULL;
    POKE(table->told, 0);
    memset(table->recent, 0, sizeof table->recent);
    UNGUARD()
    for (uint32_t i = 0; i <= mask; i++)
        if (slots[i] != NULL)
            free_entry(slots[i]);
    PyMem_RawFree(slots);
    Py_XDECREF(plain);
    Py_RETURN_NONE;
}

/* ---- the type ---- */

static PyObject *
table_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"factory", "limit", "name", NULL};
    PyObject *factory, *name = NULL;
    int limit = 2000;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|iU:Table", names, &factory, &limit, &name))
        return NULL;
    if (!PyCallable_Check(factory)) {
        PyErr_SetString(PyExc_TypeError, "the factory of a table must be callable");
        return NULL;
    }
    if (limit < 0 || limit > MOST_ENTRIES) {
        PyErr_Format(PyExc_ValueError, "limit must be 0 to 1000000; was %d", limit);
        return NULL;
    }
    Table *self = (Table *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->slots = PyMem_RawCalloc(16, sizeof(Entry *));
    self->mask = 15;
    self->limit = (uint32_t)limit;
    self->factory = Py_NewRef(factory);
    self->name = name != NULL ? Py_NewRef(name) : PyUnicode_FromString("");
    if (self->slots == NULL || self->name == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static int
table_traverse(PyObject *object, visitproc visit, void *arg)
{
    Table *self = (Table *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->factory);
    Py_VISIT(self->plain);
    for (uint32_t i = 0; self->slots != NULL && i <= self->mask; i++)
        if (self->slots[i] != NULL)
            Py_VISIT(self->slots[i]->cell); /* keys and values lead nowhere, but for members of str subclasses */
    return 0;
}

/* Only the factory goes: it is what leads back, and without one a table that a finaliser still calls refuses. */
static int
table_clear(PyObject *object)
{
    Table *table = (Table *)object;
    PyObject *factory;
    GUARD(table)
    factory = table->factory;
    table->factory = Py_NewRef(Py_None);
    UNGUARD()
    Py_XDECREF(factory);
    return 0;
}

static void
table_dealloc(PyObject *object)
{
    Table *self = (Table *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    for (uint32_t i = 0; self->slots != NULL && i <= self->mask; i++)
        if (self->slots[i] != NULL)
            free_entry(self->slots[i]);
    PyMem_RawFree(self->slots);
    Py_CLEAR(self->plain);
    Py_CLEAR(self->factory);
    Py_CLEAR(self->name);
    type->tp_free(object);
    Py_DECREF(type);
}

static Py_ssize_t
table_length(PyObject *self)
{
    Table *table = (Table *)self;
    Py_ssize_t used;
    GUARD(table)
    used = table->used;
    UNGUARD()
    return used;
}

static PyMethodDef methods[] = {
    {"find", table_find, METH_O,
     PyDoc_STR("find(attributes) -> Cell | None\n\nThe cell of these attributes; None if the factory refuses them.")},
    {"record", CALL(table_record), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("record(amount, attributes=None, context=None)\n\nRecords into the cell of these attributes. Never raises.")},
    {"set", CALL(table_record), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("set(amount, attributes=None, context=None)\n\nThe name of record for gauges.")},
    {"add", CALL(table_add), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("add(amount=1, attributes=None, context=None)\n\nThe name of record for counters.")},
    {"forget", table_forget, METH_NOARGS, PyDoc_STR("forget()\n\nThe factory is asked anew for every set of attributes.")},
    {NULL},
};
static PyMemberDef members[] = {
    {"name", T_OBJECT_EX, offsetof(Table, name), READONLY, PyDoc_STR("The instrument's name, for messages.")},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, table_new},
    {Py_tp_dealloc, table_dealloc},
    {Py_tp_traverse, table_traverse},
    {Py_tp_clear, table_clear},
    {Py_sq_length, table_length},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_doc,
     (void *)PyDoc_STR("Table(factory, limit=2000, name='')\n\n"
                       "From attributes to their cell. Its length is the number of sets that are remembered.\n\n"
                       "factory(attributes) is called for a set that is not remembered, with a dict of its own; it returns the\n"
                       "Cell, or None for a refusal. At most limit sets are remembered; beyond it, and for attributes that\n"
                       "cannot be hashed without running Python (lists, other mappings, texts over 1,024 letters), the factory\n"
                       "is asked each time. The order of the attributes means nothing; True, 1 and 1.0 are different.\n"
                       "Thread-safe; the factory may be asked twice for a set by two threads at once.")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Table", sizeof(Table), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC, slots,
};

int
table_add_type(PyObject *module)
{
    Table_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Table_Type == NULL ? -1 : PyModule_AddObjectRef(module, "Table", (PyObject *)Table_Type);
}

#include "label.h"

#define REMEMBERED 64 /* a power of two */

LOCK(labels);
static Label *remembered[REMEMBERED]; /* without a use of their own */

static Label **
place_of(PyObject *name, double per_ns)
{
    uint64_t bits;
    memcpy(&bits, &per_ns, sizeof bits);
    uint64_t hash = ((uintptr_t)name >> 4 ^ bits) * 0x9e3779b97f4a7c15ULL;
    return &remembered[hash >> 58];
}

Label *
label_use(PyObject *name, double per_ns)
{
    Label *made = PyMem_Malloc(sizeof(Label)), *found = made, **place = place_of(name, per_ns);
    if (made == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    HOLD(labels);
    if (*place != NULL && (*place)->name == name && (*place)->per_ns == per_ns) {
        found = *place;
        found->uses++;
    } else {
        *made = (Label){1, Py_NewRef(name), per_ns};
        *place = made;
    }
    LET_GO(labels);
    if (found != made)
        PyMem_Free(made);
    return found;
}

void
label_leave(Label *label)
{
    int last = 0;
    if (label == NULL)
        return;
    HOLD(labels);
    if (--label->uses == 0) {
        Label **place = place_of(label->name, label->per_ns);
        if (*place == label)
            *place = NULL;
        last = 1;
    }
    LET_GO(labels);
    if (last) {
        Py_DECREF(label->name);
        PyMem_Free(label);
    }
}
